//! An open file: its metadata, and the records of one of its tables.

use std::io::BufRead;

use serde_json::value::RawValue;

use super::error::Error;
use super::lines::{Line, Lines};
use crate::model::manifest::Metadata;
use crate::model::name::TableName;
use crate::model::ordered_map::OrderedMap;
use crate::seal::{DocumentVersion, VersionStatus};

/// A record with each value as its raw JSON text.
pub type Record = OrderedMap<String, Box<RawValue>>;

/// What comes next in a file's data.
#[derive(Clone, Copy, Debug)]
pub enum DataEvent<'r> {
    TableOpened(&'r TableName),
    /// The JSON text of a record.
    Record(&'r [u8]),
    TableClosed,
}

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
    pub fn open(input: R) -> Result<Self, Error> {
        let mut lines = Lines::new(input);
        match lines.next()? {
            Some(Line::Metadata(text)) => Ok(Self { metadata: read_metadata(&text)?, lines }),
            _ if lines.number() == 1 => Err(Error::NotAnExport),
            _ => Err(Error::Truncated),
        }
    }

    /// Reads no record that is longer than this; without it, the limit is that of PostgreSQL's values.
    #[must_use]
    pub fn with_record_limit(mut self, bytes: usize) -> Self {
        self.lines.limit_records(bytes);
        self
    }

    /// Calls `visit` with each record of a table until it returns false.
    ///
    /// # Errors
    /// `Truncated` when the file ends before the table, `InvalidRecord` or `LineTooLong` when a line is not a record; `Read` when
    /// reading or `visit` fails.
    pub fn for_each_record(
        self,
        table: &TableName,
        mut visit: impl FnMut(&str, &Record) -> std::io::Result<bool>,
    ) -> Result<(), Error> {
        let mut lines = self.lines;
        while !matches!(lines.next()?.ok_or(Error::Truncated)?, Line::TableOpened(name) if name == *table) {}
        lines.keep_records();
        loop {
            let line = lines.next()?.ok_or(Error::Truncated)?;
            if line == Line::TableClosed {
                return Ok(());
            }
            let (text, record) = parse_record(lines.record_text(&line)).ok_or(Error::InvalidRecord(lines.number()))?;
            if !visit(text, &record)? {
                return Ok(());
            }
        }
    }
}

impl<R: BufRead> DocumentReader<R> {
    /// Calls `visit` with all of the data, in the order of the file, each with the number of its line. Returns the input, of
    /// which the seal is not read yet.
    ///
    /// # Errors
    /// `Truncated` when the data do not end, `InvalidRecord` or `LineTooLong` when a line is neither a record nor what begins or
    /// ends a table; `Read` when reading fails; the error of `visit`.
    pub fn for_each_event<E: From<Error>>(
        self,
        mut visit: impl FnMut(DataEvent<'_>, u64) -> Result<(), E>,
    ) -> Result<R, E> {
        let mut tables_left = self.metadata.record_counts.len();
        let mut lines = self.lines;
        lines.keep_records();
        let mut is_open = false;
        while tables_left > 0 {
            let line = lines.next()?.ok_or(Error::Truncated)?;
            let number = lines.number();
            match &line {
                Line::TableOpened(name) if !is_open => {
                    is_open = true;
                    visit(DataEvent::TableOpened(name), number)?;
                }
                Line::TableClosed if is_open => {
                    (is_open, tables_left) = (false, tables_left - 1);
                    visit(DataEvent::TableClosed, number)?;
                }
                Line::Record if is_open => visit(DataEvent::Record(lines.record_text(&line)), number)?,
                // The line that opens the data.
                Line::Other if !is_open => {}
                _ => return Err(Error::InvalidRecord(number).into()),
            }
        }
        Ok(lines.into_input())
    }
}

fn parse_record(text: &[u8]) -> Option<(&str, Record)> {
    let text = std::str::from_utf8(text).ok()?;
    Some((text, serde_json::from_str(text).ok()?))
}

fn read_metadata(text: &[u8]) -> Result<Metadata, Error> {
    let version = DocumentVersion::read(text).ok_or(Error::NotAnExport)?;
    if version.status() == VersionStatus::Newer {
        return Err(Error::NewerFormat(version.format_version));
    }
    serde_json::from_slice(text).map_err(|_| Error::NotAnExport)
}
