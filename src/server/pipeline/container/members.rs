//! The documents of a layout as the members of one JSON object.

use std::io::{self, BufWriter, Write};

use super::error::Error;
use super::parts::{PartDigest, PartsWriter, write_seal};
use crate::model::manifest::Metadata;
use crate::seal::folder::{SEAL_MEMBER, SealedFile, member_opening};
use crate::seal::{DocumentSummary, SealSigner};

/// Writes each document as a member of one object. Dropped before `finish`, it leaves text that is no JSON.
pub struct MembersWriter<W: Write> {
    out: CountedOutput<W>,
    current: Option<PartDigest>,
    members: Vec<SealedFile>,
}

/// Buffers, and counts.
struct CountedOutput<W: Write> {
    out: BufWriter<W>,
    bytes: u64,
}

impl<W: Write> MembersWriter<W> {
    #[must_use]
    pub fn new(out: W) -> Self {
        let out = CountedOutput { out: BufWriter::with_capacity(256 << 10, out), bytes: 0 };
        Self { out, current: None, members: Vec::new() }
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
        let CountedOutput { out, bytes } = out;
        let out = out.into_inner().map_err(|error| Error::Compress(error.into_error()))?;
        let (records, tables) = (metadata.total_records, metadata.record_counts.len() as u64);
        Ok((out, DocumentSummary { records, tables, bytes, ..sealed }))
    }
}

impl<W: Write> PartsWriter for MembersWriter<W> {
    fn begin(&mut self, name: &str) -> io::Result<()> {
        let key = camel_case(name);
        self.out.write_all(member_opening(&key, self.members.is_empty()).as_bytes())?;
        self.current = Some(PartDigest::new(key));
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

impl<W: Write> Write for CountedOutput<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// `direct-messages` becomes `directMessages`.
fn camel_case(name: &str) -> String {
    let mut words = name.split('-');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |key, word| {
        let mut letters = word.chars();
        let capital = letters.next().into_iter().flat_map(char::to_uppercase);
        key.chars().chain(capital).chain(letters.clone()).collect()
    })
}
