//! Reads a file record by record, to query files too large to load.
//!
//! May import: `seal`, `model`. Flow: `DocumentReader::open` reads the metadata; `for_each_record` streams one table's
//! lines and skips the rest; memory holds one record.

mod filter;

use std::io::{BufRead, Read};

use serde_json::value::RawValue;

use crate::model::manifest::{FORMAT_VERSION, Metadata};
use crate::model::ordered_map::OrderedMap;

pub use filter::{RecordFilter, unquote};

/// A PostgreSQL value has at most 1 GiB. Without a limit, a compressed file of a few MB could exhaust memory.
const MAX_LINE_BYTES: usize = 1 << 30;
const MAX_METADATA_BYTES: usize = 64 << 20;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the file cannot be read: {0}")]
    Read(#[from] std::io::Error),
    #[error("this is not a Waybill export")]
    NotAnExport,
    #[error("made in format {0}, but this version reads format {FORMAT_VERSION}: upgrade Waybill first")]
    NewerFormat(u32),
    #[error("the file is cut off; `waybill verify` says where")]
    Truncated,
    #[error("line {line} is longer than {} MiB, the limit for a record; run `waybill verify` on the file", MAX_LINE_BYTES >> 20)]
    LineTooLong { line: u64 },
    #[error("the metadata is larger than {} MiB, the limit for an export; run `waybill verify` on the file", MAX_METADATA_BYTES >> 20)]
    MetadataTooLarge,
    #[error("line {0} is not a record; run `waybill verify` on the file")]
    InvalidRecord(u64),
}

/// A record with each value as its raw JSON text.
pub type Record = OrderedMap<Box<RawValue>>;

/// An open file, read up to its data.
///
/// ```
/// use waybill::server::inspect::{DocumentReader, Error};
///
/// let error = DocumentReader::open(&b"hello\n"[..]).err().unwrap();
/// assert!(matches!(error, Error::NotAnExport));
/// ```
pub struct DocumentReader<R> {
    pub metadata: Metadata,
    lines: Lines<R>,
}

impl<R: BufRead> DocumentReader<R> {
    /// # Errors
    /// `NotAnExport` or `NewerFormat` when it is not a file that this version reads; `Truncated`, `MetadataTooLarge`, `LineTooLong` or `Read` when
    /// its metadata cannot be read.
    pub fn open(lines: R) -> Result<Self, Error> {
        let mut lines = Lines { input: lines, buffer: Vec::new(), line_number: 0 };
        if lines.next_line()? != Some(b"{\"metadata\":") {
            return Err(Error::NotAnExport);
        }
        let mut text = Vec::new();
        loop {
            match lines.next_line()?.ok_or(Error::Truncated)? {
                b"}," => break,
                line if text.len() + line.len() > MAX_METADATA_BYTES => return Err(Error::MetadataTooLarge),
                line => text.extend_from_slice(line),
            }
        }
        text.push(b'}');
        Ok(Self { metadata: read_metadata(&text)?, lines })
    }

    /// Calls `take` with each record of a table until it returns false.
    ///
    /// # Errors
    /// `Truncated` when the file ends before the table, `InvalidRecord` or `LineTooLong` when a line is not a record; `Read` when
    /// reading or `take` fails.
    pub fn for_each_record(
        self,
        table: &str,
        mut visit: impl FnMut(&str, &Record) -> std::io::Result<bool>,
    ) -> Result<(), Error> {
        let opening = crate::seal::table_opening(table);
        let mut lines = self.lines;
        while lines.next_line()?.ok_or(Error::Truncated)? != opening.trim_end().as_bytes() {}
        loop {
            let number = lines.line_number + 1;
            let line = lines.next_line()?.ok_or(Error::Truncated)?;
            if line.starts_with(b"]") {
                return Ok(());
            }
            let text = line.strip_suffix(b",").unwrap_or(line);
            let text = std::str::from_utf8(text).map_err(|_| Error::InvalidRecord(number))?;
            let record: Record = serde_json::from_str(text).map_err(|_| Error::InvalidRecord(number))?;
            if !visit(text, &record)? {
                return Ok(());
            }
        }
    }
}

struct Lines<R> {
    input: R,
    buffer: Vec<u8>,
    line_number: u64,
}

impl<R: BufRead> Lines<R> {
    /// Returns the next line without its newline; `None` at the end of the file, or if the last line has none.
    fn next_line(&mut self) -> Result<Option<&[u8]>, Error> {
        self.buffer.clear();
        self.line_number += 1;
        let limit = MAX_LINE_BYTES as u64 + 1;
        (&mut self.input).take(limit).read_until(b'\n', &mut self.buffer)?;
        if self.buffer.len() > MAX_LINE_BYTES && !self.buffer.ends_with(b"\n") {
            return Err(Error::LineTooLong { line: self.line_number });
        }
        Ok(self.buffer.strip_suffix(b"\n"))
    }
}

fn read_metadata(text: &[u8]) -> Result<Metadata, Error> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Version {
        format_version: u32,
    }
    let version: Version = serde_json::from_slice(text).map_err(|_| Error::NotAnExport)?;
    if version.format_version > FORMAT_VERSION {
        return Err(Error::NewerFormat(version.format_version));
    }
    serde_json::from_slice(text).map_err(|_| Error::NotAnExport)
}
