//! Writes a file front to back, hashing as it goes, and seals it only when it is complete.

use std::io::{self, Write};

use super::hash::RunningHash;
use super::layout;
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

/// What a sealed file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    pub records: u64,
    pub tables: u64,
    pub bytes: u64,
    /// SHA-256 of the whole file, seal line included.
    pub sha256: String,
}

/// A file in the making. Dropped before `finish`, it stays without its seal and no reader takes it.
pub struct Sealer<W: Write> {
    out: W,
    hash: RunningHash,
    bytes: u64,
    promised: Ordered<u64>,
    closed: Vec<(String, SealedTable)>,
}

impl<W: Write> Sealer<W> {
    /// Writes the metadata and opens the data.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn begin(out: W, metadata: &Metadata) -> Result<Self, Error> {
        let promised = metadata.record_counts.clone();
        let mut sealer = Self { out, hash: RunningHash::default(), bytes: 0, promised, closed: Vec::new() };
        let pretty = serde_json::to_vec_pretty(metadata).map_err(io::Error::from)?;
        sealer.write(layout::METADATA_OPEN.as_bytes())?;
        sealer.write(&pretty)?;
        sealer.write(layout::DATA_OPEN.as_bytes())?;
        Ok(sealer)
    }

    /// Passes on bytes of the data: table openings and records.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.hash.update(bytes);
        self.out.write_all(bytes)?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// Closes the table that was written last and holds it to its promise.
    ///
    /// # Errors
    /// When it is another table than promised, or its records are more or fewer.
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
        self.write(if last { layout::TABLE_CLOSE_LAST } else { layout::TABLE_CLOSE }.as_bytes())?;
        self.closed.push((table, SealedTable { records: found, sha256: self.hash.hex() }));
        Ok(())
    }

    /// Seals the file. No call, no seal: an unfinished file can never pass for a whole one.
    ///
    /// # Errors
    /// When a promised table is missing, or the output cannot be written.
    pub fn finish(mut self) -> Result<(W, Sealed), Error> {
        if let Some((missing, _)) = self.promised.0.get(self.closed.len()) {
            return Err(Error::OutOfOrder { found: "the end".into(), promised: missing.clone() });
        }
        self.write(layout::DATA_CLOSE.as_bytes())?;
        let records = self.closed.iter().map(|(_, table)| table.records).sum();
        let tables = self.closed.len() as u64;
        let seal = Integrity {
            complete: true,
            total_records: records,
            tables: Ordered(std::mem::take(&mut self.closed)),
            sha256: self.hash.hex(),
        };
        self.write(&layout::seal_line(&seal))?;
        self.out.flush()?;
        Ok((self.out, Sealed { records, tables, bytes: self.bytes, sha256: self.hash.hex() }))
    }
}
