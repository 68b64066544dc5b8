//! The documents of a layout, and the files that their records refer to, as the entries of a compressed tar archive.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};

use super::super::channel::CHUNK_BYTES;
use super::super::compress::Compressor;
use super::error::Error;
use super::parts::{PartDigest, PartsWriter, write_seal};
use crate::model::manifest::Metadata;
use crate::model::output::Compression;
use crate::seal::archive::{ARCHIVE_END, MAX_ENTRIES, header, padding};
use crate::seal::folder::{SEAL_FILE, SealedFile};
use crate::seal::{DocumentSummary, SealSigner};

/// Writes each document as an entry. Its size comes before it, so it is written to a file without a name first. Dropped before
/// `finish`, it leaves an archive without a seal.
pub struct ArchiveWriter<W: Write> {
    out: Compressor<BufWriter<W>>,
    current: Option<(BufWriter<File>, PartDigest)>,
    entries: Vec<SealedFile>,
    /// In lower case, as a verifier compares them.
    names: BTreeSet<String>,
}

impl<W: Write> ArchiveWriter<W> {
    /// # Errors
    /// As `Compressor::new`.
    pub fn new(out: W) -> io::Result<Self> {
        let out = Compressor::new(BufWriter::with_capacity(CHUNK_BYTES, out), Compression::Gzip)?;
        Ok(Self { out, current: None, entries: Vec::new(), names: BTreeSet::new() })
    }

    /// Adds a file of this size, and returns its digest, in hexadecimal.
    ///
    /// # Errors
    /// `UnexpectedEof` if it is shorter, and any error of reading and writing.
    pub fn add_file(&mut self, name: &str, bytes: u64, content: &mut dyn Read) -> io::Result<String> {
        let mut digest = PartDigest::new(name.to_owned());
        self.write_entry(name, bytes, content, Some(&mut digest))?;
        let entry = digest.finish(0);
        let sha256 = entry.sha256.clone();
        self.entries.push(entry);
        Ok(sha256)
    }

    /// Writes the seal as the last entry, and returns the output. The digest is the seal's; size, records and tables are those
    /// of the whole.
    ///
    /// # Errors
    /// If the output cannot be written.
    pub fn finish(
        mut self,
        metadata: &Metadata,
        layout_name: &str,
        signer: &dyn SealSigner,
    ) -> Result<(W, DocumentSummary), Error> {
        let (seal, sealed) = write_seal(Vec::new(), &self.entries, metadata, layout_name, signer)?;
        self.write_entry(SEAL_FILE, seal.len() as u64, &mut &seal[..], None).map_err(Error::Compress)?;
        self.out.write_all(&ARCHIVE_END).map_err(Error::Compress)?;
        let (out, bytes) = self.out.finish().map_err(Error::Compress)?;
        let out = out.into_inner().map_err(|error| Error::Compress(error.into_error()))?;
        let (records, tables) = (metadata.total_records, metadata.record_counts.len() as u64);
        Ok((out, DocumentSummary { records, tables, bytes, ..sealed }))
    }

    fn write_entry(
        &mut self,
        name: &str,
        bytes: u64,
        content: &mut dyn Read,
        mut digest: Option<&mut PartDigest>,
    ) -> io::Result<()> {
        if self.names.len() > MAX_ENTRIES || !self.names.insert(name.to_ascii_lowercase()) {
            return Err(io::Error::other("an archive has each entry once, and not more than can be read again"));
        }
        let header = header(name, bytes).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidFilename))?;
        self.out.write_all(&header)?;
        let (mut left, mut buffer) = (bytes, vec![0; CHUNK_BYTES]);
        while left > 0 {
            let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
            let read = content.read(&mut buffer[..wanted])?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(digest) = &mut digest {
                digest.update(&buffer[..read]);
            }
            self.out.write_all(&buffer[..read])?;
            left -= read as u64;
        }
        self.out.write_all(&ARCHIVE_END[..padding(bytes)])
    }
}

impl<W: Write> PartsWriter for ArchiveWriter<W> {
    fn begin(&mut self, name: &str) -> io::Result<()> {
        self.current = Some((BufWriter::new(tempfile::tempfile()?), PartDigest::new(name.to_owned())));
        Ok(())
    }

    fn end(&mut self, records: u64) -> io::Result<()> {
        let Some((file, digest)) = self.current.take() else { return Ok(()) };
        let mut file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        let entry = digest.finish(records);
        self.write_entry(&entry.name, entry.bytes, &mut BufReader::new(file), None)?;
        self.entries.push(entry);
        Ok(())
    }
}

/// Bytes of the current document.
impl<W: Write> Write for ArchiveWriter<W> {
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
