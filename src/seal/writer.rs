//! Writes and hashes a file in one pass, and seals it only when it is complete.

use std::io::{self, Write};

use super::hash::{Digester, Hasher};
use super::layout;
use super::signature::{Sign, message};
use crate::model::manifest::{Integrity, Metadata, SealedTable};
use crate::model::ordered::Ordered;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the output cannot be written")]
    Write(#[from] io::Error),
    #[error("table {table} gave {found} records where {promised} were counted in the same snapshot")]
    Miscounted { table: String, found: u64, promised: u64 },
    #[error("table {found} was written where {promised} was promised")]
    OutOfOrder { found: String, promised: String },
}

/// Counts, size and digest of a sealed file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    pub records: u64,
    pub tables: u64,
    pub bytes: u64,
    /// The seal's digest (`Integrity::sha256`).
    pub sha256: String,
}

/// Writer of a sealed file. Dropped before `finish`, it leaves a file without a seal, which readers refuse.
pub struct Sealer<'s, W: Write> {
    out: W,
    hasher: Hasher,
    signer: Option<&'s dyn Sign>,
    bytes: u64,
    promised: Ordered<u64>,
    closed: Vec<(String, u64)>,
}

impl<'s, W: Write> Sealer<'s, W> {
    /// Writes the metadata and opens the data. Without a signer, the seal is not signed.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn begin(out: W, metadata: &Metadata, signer: Option<&'s dyn Sign>) -> Result<Self, Error> {
        let promised = metadata.record_counts.clone();
        let mut sealer = Self { out, hasher: Hasher::default(), signer, bytes: 0, promised, closed: Vec::new() };
        let pretty = serde_json::to_vec_pretty(metadata).map_err(io::Error::from)?;
        sealer.frame(layout::METADATA_OPEN.as_bytes())?;
        sealer.frame(&pretty)?;
        sealer.frame(layout::DATA_OPEN.as_bytes())?;
        Ok(sealer)
    }

    /// Writes bytes of the current table: its opening line and its records.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.hasher.table(bytes);
        self.put(bytes)
    }

    fn frame(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.hasher.frame(bytes);
        self.put(bytes)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.out.write_all(bytes)?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// Closes the current table and checks it against the metadata.
    ///
    /// # Errors
    /// `OutOfOrder` when the metadata promises another table, `Miscounted` when it promises another number of records;
    /// `Write` when the output cannot be written.
    pub fn close_table(&mut self, table: String, found: u64) -> Result<(), Error> {
        let Some((name, promised)) = self.promised.0.get(self.closed.len()) else {
            return Err(Error::OutOfOrder { found: table, promised: "no further table".into() });
        };
        if *name != table {
            return Err(Error::OutOfOrder { found: table, promised: name.clone() });
        }
        if *promised != found {
            return Err(Error::Miscounted { table, found, promised: *promised });
        }
        let last = self.closed.len() + 1 == self.promised.len();
        self.hasher.end_table();
        self.closed.push((table, found));
        self.frame(if last { layout::TABLE_CLOSE_LAST } else { layout::TABLE_CLOSE }.as_bytes())?;
        Ok(())
    }

    /// Seals the file. Nothing else writes a seal, so an unfinished file never passes for a complete one.
    ///
    /// # Errors
    /// `OutOfOrder` when a promised table is missing; `Write` when the output cannot be written.
    pub fn finish(mut self) -> Result<(W, Sealed), Error> {
        if let Some((missing, _)) = self.promised.0.get(self.closed.len()) {
            return Err(Error::OutOfOrder { found: "the end".into(), promised: missing.clone() });
        }
        self.frame(layout::DATA_CLOSE.as_bytes())?;
        let records = self.closed.iter().map(|(_, records)| records).sum();
        let tables = self.closed.len() as u64;
        let digests = std::mem::take(&mut self.hasher).end();
        let seal = Integrity {
            complete: true,
            total_records: records,
            tables: SealedTable::all(std::mem::take(&mut self.closed), digests.tables),
            sha256: digests.file,
        };
        let line = layout::seal_open(&seal);
        let signature = self.signer.map(|signer| signer.sign(&message(&line)));
        self.put(&line)?;
        self.put(&layout::seal_close(signature.as_ref()))?;
        self.out.flush()?;
        Ok((self.out, Sealed { records, tables, bytes: self.bytes, sha256: seal.sha256 }))
    }
}
