//! Reads a file record by record, to query files too large to load.
//!
//! May import: `seal`, `model`. Flow: `Snapshot::open` reads the metadata; `records` streams one table's
//! lines and skips the rest; memory holds one record.

mod filter;

use std::io::{BufRead, Read};

use serde_json::value::RawValue;

use crate::model::manifest::{FORMAT_VERSION, Metadata};
use crate::model::ordered::Ordered;

pub use filter::{Filter, plain};

/// A PostgreSQL value has at most 1 GiB. Without a limit, a compressed file of a few MB could exhaust memory.
const LONGEST_LINE: usize = 1 << 30;
const LARGEST_METADATA: usize = 64 << 20;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the file cannot be read: {0}")]
    Read(#[from] std::io::Error),
    #[error("this is not a Waybill snapshot")]
    Foreign,
    #[error("made in format {0}, and this version reads format {FORMAT_VERSION}: upgrade first")]
    Newer(u32),
    #[error("the file ends in the middle; run `waybill verify` on it")]
    Cut,
    #[error("line {line} is longer than {} MiB, which no record of an export should be", LONGEST_LINE >> 20)]
    TooLong { line: u64 },
    #[error("the metadata is larger than {} MiB, which no export's is", LARGEST_METADATA >> 20)]
    TooMuch,
    #[error("line {0} is not a record; run `waybill verify` on the file")]
    Damaged(u64),
}

/// A record with each value as its raw JSON text.
pub type Record = Ordered<Box<RawValue>>;

/// An open file, read up to its data.
pub struct Snapshot<R> {
    pub metadata: Metadata,
    lines: Lines<R>,
}

impl<R: BufRead> Snapshot<R> {
    /// # Errors
    /// `Foreign` or `Newer` when it is not a file that this version reads; `Cut`, `TooMuch`, `TooLong` or `Read` when
    /// its metadata cannot be read.
    pub fn open(lines: R) -> Result<Self, Error> {
        let mut lines = Lines { input: lines, held: Vec::new(), number: 0 };
        if lines.next()? != Some(b"{\"metadata\":") {
            return Err(Error::Foreign);
        }
        let mut text = Vec::new();
        loop {
            match lines.next()?.ok_or(Error::Cut)? {
                b"}," => break,
                line if text.len() + line.len() > LARGEST_METADATA => return Err(Error::TooMuch),
                line => text.extend_from_slice(line),
            }
        }
        text.push(b'}');
        Ok(Self { metadata: read_metadata(&text)?, lines })
    }

    /// Calls `take` with each record of a table until it returns false.
    ///
    /// # Errors
    /// `Cut` when the file ends before the table, `Damaged` or `TooLong` when a line is not a record; `Read` when
    /// reading or `take` fails.
    pub fn records(
        self,
        table: &str,
        mut take: impl FnMut(&str, &Record) -> std::io::Result<bool>,
    ) -> Result<(), Error> {
        let opening = crate::seal::table_open(table);
        let mut lines = self.lines;
        while lines.next()?.ok_or(Error::Cut)? != opening.trim_end().as_bytes() {}
        loop {
            let number = lines.number + 1;
            let line = lines.next()?.ok_or(Error::Cut)?;
            if line.starts_with(b"]") {
                return Ok(());
            }
            let text = line.strip_suffix(b",").unwrap_or(line);
            let text = std::str::from_utf8(text).map_err(|_| Error::Damaged(number))?;
            let record: Record = serde_json::from_str(text).map_err(|_| Error::Damaged(number))?;
            if !take(text, &record)? {
                return Ok(());
            }
        }
    }
}

struct Lines<R> {
    input: R,
    held: Vec<u8>,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    /// Returns the next line without its newline; `None` at the end of the file, or if the last line has none.
    fn next(&mut self) -> Result<Option<&[u8]>, Error> {
        self.held.clear();
        self.number += 1;
        let limit = LONGEST_LINE as u64 + 1;
        (&mut self.input).take(limit).read_until(b'\n', &mut self.held)?;
        if self.held.len() > LONGEST_LINE && !self.held.ends_with(b"\n") {
            return Err(Error::TooLong { line: self.number });
        }
        Ok(self.held.strip_suffix(b"\n"))
    }
}

fn read_metadata(text: &[u8]) -> Result<Metadata, Error> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Version {
        format_version: u32,
    }
    let version: Version = serde_json::from_slice(text).map_err(|_| Error::Foreign)?;
    if version.format_version > FORMAT_VERSION {
        return Err(Error::Newer(version.format_version));
    }
    serde_json::from_slice(text).map_err(|_| Error::Foreign)
}
