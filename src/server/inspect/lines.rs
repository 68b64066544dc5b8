//! Pulls a file's lines out of a buffered input.

use std::io::{BufRead, ErrorKind};

use super::error::{Error, MAX_LINE_BYTES};
use crate::model::name::TableName;
use crate::seal::{Event, EventReader, ReadError, layout};

/// A line of a file, or its metadata.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    Metadata(Vec<u8>),
    TableOpened(TableName),
    /// The line may be damaged behind its first byte.
    TableClosed,
    /// `Lines::record_text` returns its text.
    Record,
    /// In a table, it may be a record after a damaged one.
    Other,
}

pub(super) struct Lines<R> {
    input: R,
    reader: EventReader,
    record: RecordBuffer,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, reader: EventReader::new(MAX_LINE_BYTES), record: RecordBuffer::new(MAX_LINE_BYTES) }
    }

    /// No record is longer than this.
    pub(super) fn limit_records(&mut self, bytes: usize) {
        self.record.limit = bytes;
    }

    /// Keeps the text of records from here on; before, they are skipped.
    pub(super) fn keep_records(&mut self) {
        self.record.is_kept = true;
    }

    pub(super) fn into_input(self) -> R {
        self.input
    }

    /// The number of the last line, from 1.
    pub(super) fn number(&self) -> u64 {
        self.reader.line_number()
    }

    /// The last line as the JSON text of a record.
    pub(super) fn record_text(&self, line: &Line) -> &[u8] {
        layout::record_text(if *line == Line::Record { &self.record.text } else { self.reader.line() })
    }

    /// Returns the next line; `None` at the end of the file, or if the last line has no newline.
    pub(super) fn next(&mut self) -> Result<Option<Line>, Error> {
        loop {
            let buffered = match self.input.fill_buf() {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                buffered => buffered?,
            };
            if buffered.is_empty() {
                return Ok(None);
            }
            let mut rest = buffered;
            let line = match self.reader.next(&mut rest) {
                Ok(Some(Event::Record { bytes, ends_line })) => {
                    self.record.push(bytes, ends_line).map(|()| ends_line.then_some(Line::Record))
                }
                Ok(Some(Event::Metadata(text))) => Ok(Some(Line::Metadata(text))),
                Ok(Some(Event::TableOpened { name })) => Ok(Some(Line::TableOpened(name))),
                Ok(Some(Event::TableClosed { .. })) => Ok(Some(Line::TableClosed)),
                Ok(Some(Event::Unknown)) if layout::begins_table_close(self.reader.line()) => {
                    Ok(Some(Line::TableClosed))
                }
                // Nothing after the data is asked for.
                Ok(None | Some(Event::Seal(_))) => Ok(None),
                Ok(Some(_)) => Ok(Some(Line::Other)),
                Err(error) => Err(error),
            };
            let read = buffered.len() - rest.len();
            self.input.consume(read);
            if let Some(line) = line.map_err(|error| self.describe(error))? {
                return Ok(Some(line));
            }
        }
    }

    fn describe(&self, error: ReadError) -> Error {
        match error {
            ReadError::NotADocument => Error::NotAnExport,
            ReadError::LineTooLong => Error::LineTooLong { line: self.number(), limit: self.record.limit },
            ReadError::MetadataTooLarge => Error::MetadataTooLarge,
        }
    }
}

/// Memory that is used again for the next record.
const MAX_KEPT_BYTES: usize = 1 << 20;

/// The current record's text.
struct RecordBuffer {
    text: Vec<u8>,
    /// Its length so far, also where the text is not kept.
    bytes: usize,
    is_complete: bool,
    is_kept: bool,
    /// In bytes.
    limit: usize,
}

impl RecordBuffer {
    fn new(limit: usize) -> Self {
        Self { text: Vec::new(), bytes: 0, is_complete: false, is_kept: false, limit }
    }

    fn push(&mut self, bytes: &[u8], is_complete: bool) -> Result<(), ReadError> {
        if std::mem::replace(&mut self.is_complete, is_complete) {
            // The memory of a very long record is not kept for the others.
            if self.text.capacity() > MAX_KEPT_BYTES {
                self.text = Vec::new();
            }
            self.text.clear();
            self.bytes = 0;
        }
        self.bytes += bytes.len();
        if self.bytes > self.limit {
            return Err(ReadError::LineTooLong);
        }
        if self.is_kept {
            self.text.extend_from_slice(bytes);
        }
        Ok(())
    }
}
