//! Reads a document as a stream and says what each line is. Whether it may be there, and whether its content is right, is
//! for the reader's users to judge.

use super::layout;
use crate::model::name::TableName;

/// Limits the memory that a hostile file can take.
pub const MAX_METADATA_BYTES: usize = 64 << 20;

/// A part of a document. `EventReader::line` returns the text of a complete line that is not a record.
#[derive(Debug, PartialEq, Eq)]
pub enum Event<'b> {
    /// The text of the metadata's JSON object.
    Metadata(Vec<u8>),
    DataOpened,
    TableOpened {
        name: TableName,
    },
    /// The next bytes of a record's line; its newline follows where `ends_line`.
    Record {
        bytes: &'b [u8],
        ends_line: bool,
    },
    TableClosed {
        is_last: bool,
    },
    DataClosed,
    /// Bytes after the data: the seal's line, and whatever follows it.
    Seal(&'b [u8]),
    /// A line of no known kind, or one that does not belong there.
    Unknown,
}

/// Why the rest of a file cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    #[error("the first line is not a document's")]
    NotADocument,
    /// Longer than the limit, and not a record.
    #[error("a line is longer than the format allows")]
    LineTooLong,
    #[error("the metadata is larger than the format allows")]
    MetadataTooLarge,
}

/// What the current line belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Section {
    Start,
    Metadata,
    Data,
    Table { expects_record: bool },
    Seal,
}

/// Reads a document in pieces of any size. Buffers the metadata and single lines, but no records.
///
/// ```
/// use waybill::seal::{Event, EventReader};
///
/// let mut reader = EventReader::new(1 << 20);
/// let mut bytes = &b"{\"metadata\":\n{\n},\n\"data\":{\n\"users\":[\n{\"id\":1}\n]\n},\n"[..];
/// let mut events = Vec::new();
/// while let Some(event) = reader.next(&mut bytes)? {
///     events.push(event);
/// }
/// assert_eq!(events[0], Event::Metadata(b"{\n}".to_vec()));
/// assert_eq!(events[2], Event::TableOpened { name: "users".into() });
/// assert_eq!(events[3], Event::Record { bytes: b"{\"id\":1}", ends_line: true });
/// # Ok::<(), waybill::seal::ReadError>(())
/// ```
#[derive(Clone)]
pub struct EventReader {
    section: Section,
    line_number: u64,
    /// The text of the current line so far, if it is not a record.
    line: Vec<u8>,
    line_has_ended: bool,
    in_record: bool,
    /// The last byte of the current record so far.
    last_byte: u8,
    metadata: Vec<u8>,
    max_line_bytes: usize,
}

impl EventReader {
    /// Creates a reader that refuses longer lines, except for records.
    #[must_use]
    pub fn new(max_line_bytes: usize) -> Self {
        Self {
            section: Section::Start,
            line_number: 1,
            line: Vec::new(),
            line_has_ended: false,
            in_record: false,
            last_byte: 0,
            metadata: Vec::new(),
            max_line_bytes,
        }
    }

    /// The number of the line that the last event belongs to, from 1. The seal and what follows it count as one line.
    #[must_use]
    pub fn line_number(&self) -> u64 {
        self.line_number
    }

    /// The text of the current line so far, without its newline; nothing of a record.
    #[must_use]
    pub fn line(&self) -> &[u8] {
        &self.line
    }

    /// Takes the next event's bytes off `bytes`. Returns `None` once nothing is left of them.
    ///
    /// # Errors
    /// `NotADocument` for the first line, `LineTooLong` and `MetadataTooLarge` where a limit is exceeded.
    #[inline]
    pub fn next<'b>(&mut self, bytes: &mut &'b [u8]) -> Result<Option<Event<'b>>, ReadError> {
        match self.next_whole_record(bytes) {
            Some(bytes) => Ok(Some(Event::Record { bytes, ends_line: true })),
            None => self.next_of_any_kind(bytes),
        }
    }

    /// Fast path for a complete record after a complete line, as nearly all are.
    #[inline]
    fn next_whole_record<'b>(&mut self, bytes: &mut &'b [u8]) -> Option<&'b [u8]> {
        let is_record = self.line_has_ended
            && self.section == Section::Table { expects_record: true }
            && bytes.first() == Some(&layout::RECORD_OPEN);
        let end = if is_record { memchr::memchr(b'\n', bytes)? } else { return None };
        let (record, rest) = bytes.split_at(end);
        *bytes = &rest[1..];
        self.begin_line();
        self.read_record(record, true);
        Some(record)
    }

    fn next_of_any_kind<'b>(&mut self, bytes: &mut &'b [u8]) -> Result<Option<Event<'b>>, ReadError> {
        loop {
            self.begin_line();
            if self.section == Section::Seal {
                let rest = std::mem::take(bytes);
                return Ok((!rest.is_empty()).then_some(Event::Seal(rest)));
            }
            let (part, ends_line) = split_line(bytes);
            if part.is_empty() && !ends_line {
                return Ok(None);
            }
            if self.in_record || self.begins_record(part) {
                self.read_record(part, ends_line);
                return Ok(Some(Event::Record { bytes: part, ends_line }));
            }
            self.buffer_line(part)?;
            self.line_has_ended = ends_line;
            if ends_line && let Some(event) = self.end_line()? {
                return Ok(Some(event));
            }
        }
    }

    #[inline]
    fn begin_line(&mut self) {
        if std::mem::take(&mut self.line_has_ended) {
            self.line_number += 1;
            self.line.clear();
        }
    }

    #[inline]
    fn begins_record(&self, part: &[u8]) -> bool {
        self.section == Section::Table { expects_record: true }
            && self.line.is_empty()
            && part.first() == Some(&layout::RECORD_OPEN)
    }

    #[inline]
    fn read_record(&mut self, part: &[u8], ends_line: bool) {
        self.last_byte = *part.last().unwrap_or(&self.last_byte);
        self.in_record = !ends_line;
        self.line_has_ended = ends_line;
        if ends_line {
            self.section = Section::Table { expects_record: self.last_byte == layout::RECORD_SEPARATOR[0] };
        }
    }

    fn buffer_line(&mut self, part: &[u8]) -> Result<(), ReadError> {
        if self.line.len() + part.len() > self.max_line_bytes {
            return Err(ReadError::LineTooLong);
        }
        self.line.extend_from_slice(part);
        Ok(())
    }

    /// Ends a line that is not a record. Returns its event; `None` for a line of the metadata.
    fn end_line(&mut self) -> Result<Option<Event<'static>>, ReadError> {
        match self.section {
            Section::Start if layout::is_line(&self.line, layout::METADATA_OPEN) => {
                self.section = Section::Metadata;
                Ok(None)
            }
            Section::Start => Err(ReadError::NotADocument),
            Section::Metadata => self.end_metadata_line(),
            Section::Data | Section::Table { .. } | Section::Seal => Ok(Some(self.end_data_line())),
        }
    }

    fn end_metadata_line(&mut self) -> Result<Option<Event<'static>>, ReadError> {
        if self.metadata.len() + self.line.len() > MAX_METADATA_BYTES {
            return Err(ReadError::MetadataTooLarge);
        }
        if !layout::closes_metadata(&self.line) {
            self.metadata.extend_from_slice(&self.line);
            self.metadata.push(b'\n');
            return Ok(None);
        }
        self.metadata.push(b'}');
        self.section = Section::Data;
        Ok(Some(Event::Metadata(std::mem::take(&mut self.metadata))))
    }

    fn end_data_line(&mut self) -> Event<'static> {
        if let Some(name) = layout::parse_table_name(&self.line) {
            self.section = Section::Table { expects_record: true };
            return Event::TableOpened { name };
        }
        let is = |fixed| layout::is_line(&self.line, fixed);
        match self.section {
            Section::Table { .. } if is(layout::TABLE_CLOSE) || is(layout::TABLE_CLOSE_LAST) => {
                let is_last = is(layout::TABLE_CLOSE_LAST);
                self.section = Section::Data;
                Event::TableClosed { is_last }
            }
            Section::Data if is(layout::DATA_OPEN) => Event::DataOpened,
            Section::Data if is(layout::DATA_CLOSE) => {
                self.section = Section::Seal;
                Event::DataClosed
            }
            _ => Event::Unknown,
        }
    }
}

/// Splits off the bytes up to the first newline, or all; returns them, and whether the newline is there.
#[inline]
fn split_line<'b>(bytes: &mut &'b [u8]) -> (&'b [u8], bool) {
    match memchr::memchr(b'\n', bytes) {
        Some(end) => {
            let line = &bytes[..end];
            *bytes = &bytes[end + 1..];
            (line, true)
        }
        None => (std::mem::take(bytes), false),
    }
}
