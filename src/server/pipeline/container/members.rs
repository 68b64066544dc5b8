//! The documents of a layout as the members of one JSON object.

use std::io::{self, BufWriter, Write};

use super::super::channel::CHUNK_BYTES;
use super::super::compress::Compressor;
use super::error::Error;
use super::parts::{PartDigest, PartsWriter, write_seal};
use crate::model::manifest::Metadata;
use crate::model::output::Compression;
use crate::seal::folder::{SEAL_MEMBER, SealedFile, member_opening};
use crate::seal::{DocumentSummary, SealSigner};

/// Writes each document as a member of one object. Dropped before `finish`, it leaves text that is no JSON.
pub struct MembersWriter<W: Write> {
    /// Uncompressed; it counts.
    out: Compressor<BufWriter<W>>,
    current: Option<PartDigest>,
    members: Vec<SealedFile>,
}

impl<W: Write> MembersWriter<W> {
    /// # Errors
    /// As `Compressor::new`.
    pub fn new(out: W) -> io::Result<Self> {
        let out = Compressor::new(BufWriter::with_capacity(CHUNK_BYTES, out), Compression::None)?;
        Ok(Self { out, current: None, members: Vec::new() })
    }

    /// Writes the seal as the last member, and returns the output. The digest is the seal's; size, records and tables are those
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
        let opening = member_opening(SEAL_MEMBER, self.members.is_empty());
        self.out.write_all(opening.as_bytes()).map_err(Error::Compress)?;
        let (mut out, sealed) = write_seal(self.out, &self.members, metadata, layout_name, signer)?;
        out.write_all(b"}\n").map_err(Error::Compress)?;
        let (out, bytes) = out.finish().map_err(Error::Compress)?;
        let out = out.into_inner().map_err(|error| Error::Compress(error.into_error()))?;
        let (records, tables) = (metadata.total_records, metadata.record_counts.len() as u64);
        Ok((out, DocumentSummary { records, tables, bytes, ..sealed }))
    }
}

impl<W: Write> PartsWriter for MembersWriter<W> {
    fn begin(&mut self, name: &str) -> io::Result<()> {
        self.out.write_all(member_opening(name, self.members.is_empty()).as_bytes())?;
        self.current = Some(PartDigest::new(name.to_owned()));
        Ok(())
    }

    fn end(&mut self, records: u64) -> io::Result<()> {
        if let Some(member) = self.current.take() {
            self.members.push(member.finish(records));
        }
        Ok(())
    }
}

/// Bytes of the current document.
impl<W: Write> Write for MembersWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(member) = &mut self.current else { return Err(io::Error::other("no document was begun")) };
        let written = self.out.write(bytes)?;
        member.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
