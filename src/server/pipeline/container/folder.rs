//! A folder of files, with a seal that lists them.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::error::Error;
use crate::model::manifest::Metadata;
use crate::model::name::TableName;
use crate::seal::folder::{FILES_TABLE, SEAL_FILE, SealedFile, seal_metadata};
use crate::seal::{DocumentSummary, DocumentWriter, SealSigner, layout};

/// Writes files into an empty folder, and seals it. Dropped before `finish`, it leaves a folder without a seal.
pub struct FolderWriter {
    path: PathBuf,
    files: Vec<SealedFile>,
}

/// A file that is being written.
pub struct FileWriter {
    name: String,
    out: BufWriter<File>,
    hasher: Sha256,
    bytes: u64,
}

impl FolderWriter {
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self { path, files: Vec::new() }
    }

    /// Creates a file, readable by this process's user only.
    ///
    /// # Errors
    /// If it exists or cannot be created.
    pub fn create(&self, name: &str) -> io::Result<FileWriter> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.path.join(name))?;
        Ok(FileWriter { name: name.to_owned(), out: BufWriter::new(file), hasher: Sha256::new(), bytes: 0 })
    }

    /// Completes a file with this number of records.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn close(&mut self, file: FileWriter, records: u64) -> io::Result<()> {
        let FileWriter { name, out, hasher, bytes } = file;
        out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        self.files.push(SealedFile { name, records, bytes, sha256: hex::encode(hasher.finalize()) });
        Ok(())
    }

    /// Writes the seal. Its size and digest are those of the summary; records and tables are those of the files.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn finish(
        self,
        metadata: &Metadata,
        layout_name: &str,
        signer: &dyn SealSigner,
    ) -> Result<DocumentSummary, Error> {
        let out = self.create(SEAL_FILE).map_err(Error::Compress)?.out;
        let metadata_of_seal = seal_metadata(metadata, layout_name, self.files.len() as u64);
        let mut seal = DocumentWriter::begin(out, &metadata_of_seal, Some(signer))?;
        seal.write_table(&files_table(&self.files))?;
        seal.end_table(FILES_TABLE.into(), self.files.len() as u64)?;
        let (out, sealed) = seal.finish()?;
        let file = out.into_inner().map_err(|error| Error::Compress(error.into_error()))?;
        file.sync_all().map_err(Error::Compress)?;
        let bytes = sealed.bytes + self.files.iter().map(|file| file.bytes).sum::<u64>();
        let (records, tables) = (metadata.total_records, metadata.record_counts.len() as u64);
        Ok(DocumentSummary { records, tables, bytes, ..sealed })
    }
}

/// The opening line of the table of files, and its records.
fn files_table(files: &[SealedFile]) -> Vec<u8> {
    let mut bytes = layout::table_opening(&TableName::from(FILES_TABLE)).into_bytes();
    for (place, file) in files.iter().enumerate() {
        if place > 0 {
            bytes.extend_from_slice(layout::RECORD_SEPARATOR);
        }
        let SealedFile { name, records, bytes: size, sha256 } = file;
        let name = serde_json::Value::from(name.as_str());
        bytes.extend(
            format!("{{\"name\":{name},\"records\":{records},\"bytes\":{size},\"sha256\":\"{sha256}\"}}").bytes(),
        );
    }
    bytes.extend_from_slice(layout::RECORDS_END);
    bytes
}

impl Write for FileWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
