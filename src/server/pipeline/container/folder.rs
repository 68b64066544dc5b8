//! The documents of a layout as the files of a folder.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use super::error::Error;
use super::parts::{PartDigest, PartsWriter, write_seal};
use crate::model::manifest::Metadata;
use crate::seal::folder::{SEAL_FILE, SealedFile};
use crate::seal::{DocumentSummary, SealSigner};

/// Writes each document as a file of an empty folder. Dropped before `finish`, it leaves a folder without a seal.
pub struct FolderWriter {
    path: PathBuf,
    current: Option<(BufWriter<File>, PartDigest)>,
    files: Vec<SealedFile>,
}

impl FolderWriter {
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self { path, current: None, files: Vec::new() }
    }

    /// Creates a file, readable by this process's user only.
    fn create(&self, name: &str) -> io::Result<BufWriter<File>> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.path.join(name))?;
        Ok(BufWriter::new(file))
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
        let out = self.create(SEAL_FILE).map_err(Error::Compress)?;
        let (out, sealed) = write_seal(out, &self.files, metadata, layout_name, signer)?;
        let file = out.into_inner().map_err(|error| Error::Compress(error.into_error()))?;
        file.sync_all().map_err(Error::Compress)?;
        let bytes = sealed.bytes + self.files.iter().map(|file| file.bytes).sum::<u64>();
        let (records, tables) = (metadata.total_records, metadata.record_counts.len() as u64);
        Ok(DocumentSummary { records, tables, bytes, ..sealed })
    }
}

impl PartsWriter for FolderWriter {
    fn begin(&mut self, name: &str) -> io::Result<()> {
        self.current = Some((self.create(name)?, PartDigest::new(name.to_owned())));
        Ok(())
    }

    fn end(&mut self, records: u64) -> io::Result<()> {
        self.write_all(b"\n")?;
        let Some((file, digest)) = self.current.take() else { return Ok(()) };
        self.files.push(digest.finish(records));
        file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
    }
}

/// Bytes of the current document.
impl Write for FolderWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some((file, digest)) = &mut self.current else { return Err(io::Error::other("no document was begun")) };
        let written = file.write(bytes)?;
        digest.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.current.as_mut().map_or(Ok(()), |(file, _)| file.flush())
    }
}
