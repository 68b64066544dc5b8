//! Verifies a file as a stream, in memory that does not grow with the file.
//!
//! The verifier never trusts the seal: it counts and hashes everything, computes the expected seal line
//! from that, and compares it byte by byte with the line in the file.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::hash::{Digester, Sha256Digester};
use super::layout::{self, SealSuffix};
use super::record_checker::RecordChecker;
use super::signature::UncheckedSignature;
use super::verify_error::VerifyError;
use crate::model::manifest::{ColumnNames, FORMAT_VERSION, Integrity, MetadataSummary, SealedTable};
use crate::model::ordered_map::find_duplicate;
use crate::model::text::is_timestamp_prefix;

/// Lines that are not records are buffered, up to this size; the writer never writes longer ones.
const MAX_LINE_BYTES: usize = 1 << 20;
const MAX_METADATA_BYTES: usize = 64 << 20;
/// Limits the memory that a hostile file can take.
const MAX_TABLES: usize = 100_000;

/// A file that matches its own seal. Only a trusted signature shows that it is unaltered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verified {
    pub metadata: MetadataSummary,
    pub records: u64,
    pub tables: u64,
    /// Size of the content, decompressed.
    pub bytes: u64,
    /// The seal's digest (`Integrity::sha256`), which identifies the content.
    pub sha256: String,
    /// The signature and the message it should be of; not checked yet.
    pub signature: Option<UncheckedSignature>,
}

impl std::fmt::Display for Verified {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use crate::model::text::{count_with_noun, one_line};
        let (records, tables) = (count_with_noun(self.records, "record"), count_with_noun(self.tables, "table"));
        let source = one_line(&self.metadata.source.name);
        write!(f, "{records} in {tables} of {source}, sealed {}", self.metadata.exported_at)
    }
}

/// The progress of checking a file, or its result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum CheckUpdate {
    Progress {
        percent: u64,
    },
    Valid(Box<Verified>),
    Invalid(String),
    /// The file could not be read, and may be valid.
    NotChecked(String),
}

/// What the next line must be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ExpectedLine {
    MetadataOpen,
    Metadata,
    DataOpen,
    /// A table's opening line, or the data's end where `may_end`.
    Table {
        may_end: bool,
    },
    /// A record, or the table's end where `may_end`.
    Record {
        may_end: bool,
    },
    TableClose,
    Seal,
}

/// Reads a file once, in pieces of any size.
///
/// ```
/// use waybill::seal::Verifier;
///
/// let mut verifier = Verifier::default();
/// let error = verifier.feed(b"hello\n").unwrap_err();
/// assert!(error.to_string().starts_with("this is not a Waybill export"));
/// ```
#[derive(Clone)]
pub struct Verifier<D = Sha256Digester> {
    digester: D,
    expected: ExpectedLine,
    line: u64,
    bytes: u64,
    /// The bytes of the current line so far; records are not buffered.
    line_buffer: Vec<u8>,
    in_record: bool,
    record_checker: RecordChecker,
    metadata_text: Vec<u8>,
    metadata: Option<MetadataSummary>,
    table: Option<(String, u64)>,
    finished_tables: Vec<(String, u64)>,
}

impl Default for Verifier {
    fn default() -> Self {
        Self::with_digester(Sha256Digester::default())
    }
}

impl<D: Digester> Verifier<D> {
    /// Creates a verifier that hashes with `digester`.
    pub fn with_digester(digester: D) -> Self {
        Self {
            digester,
            expected: ExpectedLine::MetadataOpen,
            line: 1,
            bytes: 0,
            line_buffer: Vec::new(),
            in_record: false,
            record_checker: RecordChecker::default(),
            metadata_text: Vec::new(),
            metadata: None,
            table: None,
            finished_tables: Vec::new(),
        }
    }

    /// Checks the next bytes of the file, in pieces of any size.
    ///
    /// # Errors
    /// The first error found; the rest of the file need not be read.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), VerifyError> {
        self.bytes += bytes.len() as u64;
        let mut start = 0;
        // Many records are hashed at once; all bytes before this index are hashed.
        let mut hashed = 0;
        for end in memchr::memchr_iter(b'\n', bytes) {
            if self.expected == ExpectedLine::Seal {
                break;
            }
            self.feed_line(&bytes[start..end])?;
            if !self.in_record {
                self.digester.update_table(&bytes[hashed..start]);
                hashed = end + 1;
            }
            start = end + 1;
            self.end_line()?;
        }
        if self.expected == ExpectedLine::Seal {
            return self.buffer_seal(&bytes[start..]);
        }
        self.feed_line(&bytes[start..])?;
        self.digester.update_table(&bytes[hashed..if self.in_record { bytes.len() } else { start }]);
        Ok(())
    }

    /// Checks that the bytes fed are a complete file with the right seal.
    ///
    /// # Errors
    /// The error, when the file is empty or cut off, or its seal is not the expected one.
    pub fn finish(mut self) -> Result<Verified, VerifyError> {
        if self.bytes == 0 {
            return Err(VerifyError::Empty);
        }
        let Some(metadata) = self.metadata.take().filter(|_| self.expected == ExpectedLine::Seal) else {
            return Err(self.truncated());
        };
        let tables = self.finished_tables.len() as u64;
        let records = self.finished_tables.iter().map(|(_, records)| records).sum();
        let digests = self.digester.finish();
        let sealed = SealedTable::from_counts_and_digests(self.finished_tables, digests.tables);
        let expected = Integrity { complete: true, total_records: records, tables: sealed, sha256: digests.file };
        let line = layout::seal_prefix(&expected);
        let signature = match self.line_buffer.strip_prefix(&*line).and_then(layout::parse_seal_suffix) {
            Some(SealSuffix::Signed(signature)) => Some(UncheckedSignature::new(signature, &line)),
            Some(SealSuffix::Unsigned) => None,
            None => return Err(explain_seal_mismatch(&self.line_buffer, self.line, &expected, &line)),
        };
        Ok(Verified { metadata, records, tables, bytes: self.bytes, sha256: expected.sha256, signature })
    }

    fn feed_line(&mut self, part: &[u8]) -> Result<(), VerifyError> {
        if part.is_empty() {
            return Ok(());
        }
        let begins_record =
            matches!(self.expected, ExpectedLine::Record { .. }) && self.line_buffer.is_empty() && part[0] == b'{';
        if self.in_record || begins_record {
            self.in_record = true;
            return self.record_checker.feed(part).map_err(|what| self.malformed(what));
        }
        if self.line_buffer.len() + part.len() > MAX_LINE_BYTES {
            return Err(self.malformed("a line is longer than the format allows"));
        }
        self.line_buffer.extend_from_slice(part);
        Ok(())
    }

    fn end_line(&mut self) -> Result<(), VerifyError> {
        if std::mem::take(&mut self.in_record) {
            self.end_record()?;
        } else {
            let mut line = std::mem::take(&mut self.line_buffer);
            self.end_layout_line(&line)?;
            line.clear();
            self.line_buffer = line;
        }
        self.line += 1;
        Ok(())
    }

    /// Ends a line that is not a record.
    fn end_layout_line(&mut self, line: &[u8]) -> Result<(), VerifyError> {
        match self.expected {
            ExpectedLine::MetadataOpen => self.open_metadata(line)?,
            ExpectedLine::Metadata => self.read_metadata_line(line)?,
            ExpectedLine::DataOpen => {
                if line != layout::DATA_OPEN_LINE {
                    return Err(self.malformed("the data should begin here"));
                }
                self.expected = ExpectedLine::Table { may_end: self.declared_tables() == 0 };
            }
            ExpectedLine::Table { may_end: true } if line == layout::DATA_CLOSE_LINE => {
                self.expected = ExpectedLine::Seal;
            }
            ExpectedLine::Table { .. } => {
                self.open_table(line)?;
                self.digester.update_table(line);
                self.digester.update_table(b"\n");
                return Ok(());
            }
            ExpectedLine::Record { may_end: false } => return Err(self.malformed("a record should follow here")),
            ExpectedLine::Record { may_end: true } | ExpectedLine::TableClose => self.close_table(line)?,
            ExpectedLine::Seal => {}
        }
        self.digester.update_frame(line);
        self.digester.update_frame(b"\n");
        Ok(())
    }

    fn end_record(&mut self) -> Result<(), VerifyError> {
        if let Some((_, records)) = &mut self.table {
            *records += 1;
        }
        let more = self.record_checker.end_line().map_err(|what| self.malformed(what))?;
        self.expected = if more { ExpectedLine::Record { may_end: false } } else { ExpectedLine::TableClose };
        Ok(())
    }

    fn open_metadata(&mut self, line: &[u8]) -> Result<(), VerifyError> {
        if line != layout::METADATA_OPEN.trim_end().as_bytes() {
            return Err(VerifyError::NotAnExport { line: self.line });
        }
        self.expected = ExpectedLine::Metadata;
        Ok(())
    }

    fn read_metadata_line(&mut self, line: &[u8]) -> Result<(), VerifyError> {
        if self.metadata_text.len() + line.len() > MAX_METADATA_BYTES {
            return Err(self.malformed("the metadata is larger than the format allows"));
        }
        if line != layout::METADATA_CLOSE {
            self.metadata_text.extend_from_slice(line);
            self.metadata_text.push(b'\n');
            return Ok(());
        }
        self.metadata_text.push(b'}');
        let text = std::mem::take(&mut self.metadata_text);
        let text = String::from_utf8(text).map_err(|_| self.malformed("the metadata is not UTF-8"))?;
        check_format_version(&text)?;
        let head: MetadataSummary = serde_json::from_str(&text)
            .map_err(|error| self.malformed(&format!("the metadata cannot be read ({error})")))?;
        if let Some(what) = find_contradiction(&head) {
            return Err(self.malformed(what));
        }
        self.metadata = Some(head);
        self.expected = ExpectedLine::DataOpen;
        Ok(())
    }

    fn open_table(&mut self, line: &[u8]) -> Result<(), VerifyError> {
        let name = layout::parse_table_name(line).ok_or_else(|| self.malformed("a table should begin here"))?;
        let declared = self.declared_table(self.finished_tables.len()).map(|(name, _)| name.to_owned());
        if declared.as_deref() != Some(&name) {
            return Err(self.malformed("the metadata lists another table here"));
        }
        // `find_contradiction` has checked that the schema lists the same tables in the same order.
        let Some((_, schema)) = self.metadata.as_ref().and_then(|head| head.schema.0.get(self.finished_tables.len()))
        else {
            return Err(self.malformed("the metadata does not describe this table"));
        };
        self.record_checker = RecordChecker::for_columns(schema.columns.iter().map(|column| &*column.name));
        self.table = Some((name, 0));
        self.expected = ExpectedLine::Record { may_end: true };
        Ok(())
    }

    fn close_table(&mut self, line: &[u8]) -> Result<(), VerifyError> {
        let is_last = self.finished_tables.len() + 1 == self.declared_tables();
        let closing = if is_last { layout::TABLE_CLOSE_LAST } else { layout::TABLE_CLOSE };
        if line != closing.trim_end().as_bytes() {
            return Err(self.malformed("the table should end here"));
        }
        let declared = self.declared_table(self.finished_tables.len()).map_or(0, |(_, records)| records);
        let Some((table, found)) = self.table.take() else { return Err(self.truncated()) };
        if found != declared {
            return Err(VerifyError::CountMismatch { line: self.line, table, found, declared });
        }
        self.digester.end_table();
        self.finished_tables.push((table, found));
        self.expected = ExpectedLine::Table { may_end: is_last };
        Ok(())
    }

    fn buffer_seal(&mut self, part: &[u8]) -> Result<(), VerifyError> {
        if self.line_buffer.len() + part.len() > MAX_METADATA_BYTES {
            return Err(VerifyError::TrailingBytes { line: self.line });
        }
        self.line_buffer.extend_from_slice(part);
        Ok(())
    }

    fn declared_tables(&self) -> usize {
        self.metadata.as_ref().map_or(0, |head| head.record_counts.len())
    }

    fn declared_table(&self, index: usize) -> Option<(&str, u64)> {
        let (name, records) = self.metadata.as_ref()?.record_counts.0.get(index)?;
        Some((name, *records))
    }

    fn truncated(&self) -> VerifyError {
        let table = self.table.as_ref().map(|(name, _)| name.clone());
        let opening = layout::METADATA_OPEN.as_bytes();
        match self.expected {
            ExpectedLine::MetadataOpen if !opening.starts_with(&self.line_buffer) => {
                VerifyError::NotAnExport { line: 1 }
            }
            _ => VerifyError::Truncated { line: self.line, table },
        }
    }

    fn malformed(&self, what: &str) -> VerifyError {
        let table = self.table.as_ref().map(|(name, _)| name.clone());
        match self.expected {
            ExpectedLine::MetadataOpen => VerifyError::NotAnExport { line: self.line },
            _ => VerifyError::Damaged { line: self.line, table, what: what.into() },
        }
    }
}

/// Finds how the end of the file differs from the expected seal.
fn explain_seal_mismatch(tail: &[u8], line_number: u64, expected: &Integrity, line: &[u8]) -> VerifyError {
    let Some(end) = memchr::memchr(b'\n', tail) else {
        return VerifyError::Truncated { line: line_number, table: None };
    };
    let (seal_line, rest) = tail.split_at(end + 1);
    if !rest.is_empty() && seal_line.strip_prefix(line).and_then(layout::parse_seal_suffix).is_some() {
        return VerifyError::TrailingBytes { line: line_number + 1 };
    }
    let Some(claimed) = layout::parse_seal(seal_line).filter(|claimed| claimed.sha256 != expected.sha256) else {
        return VerifyError::SealAltered { line: line_number };
    };
    let differs = |((a, x), (b, y)): &(&(String, SealedTable), &(String, SealedTable))| a != b || x != y;
    let place = match expected.tables.iter().zip(claimed.tables.iter()).find(differs) {
        Some(((table, _), _)) => format!("in table {table}"),
        None => "in the metadata, between the tables or in the seal".into(),
    };
    VerifyError::DigestMismatch { place }
}

/// Finds metadata that contradicts itself, or that two readers would read differently.
fn find_contradiction(head: &MetadataSummary) -> Option<&'static str> {
    let tables = || head.record_counts.iter().map(|(name, _)| name);
    let describes_tables = tables().eq(head.schema.iter().map(|(name, _)| name));
    let repeats_a_name =
        |names: &ColumnNames| find_duplicate(names.columns.iter().map(|column| &*column.name).collect()).is_some();
    let total = head.record_counts.iter().try_fold(0_u64, |sum, (_, records)| sum.checked_add(*records));
    if head.format_version != FORMAT_VERSION || !is_timestamp(&head.exported_at) {
        Some("the metadata has no valid format version or export time")
    } else if !describes_tables || head.schema.iter().any(|(_, names)| repeats_a_name(names)) {
        Some("the metadata does not describe every table that it lists, or names a column twice")
    } else if total != Some(head.total_records) || head.record_counts.len() > MAX_TABLES {
        Some("the metadata's total is not the sum of its record counts, or it lists too many tables")
    } else {
        None
    }
}

/// Whether `text` is a time: it is printed beside the verdict, and free text could imitate one.
fn is_timestamp(text: &str) -> bool {
    text.len() == 20 && is_timestamp_prefix(text)
}

/// Reads only the version, so that a file of another version is reported as such and not as damaged.
fn check_format_version(text: &str) -> Result<(), VerifyError> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Version {
        format_version: u32,
        generator: Option<crate::model::manifest::Generator>,
    }
    let Ok(Version { format_version: format, generator }) = serde_json::from_str(text) else { return Ok(()) };
    let made_by = generator.map_or("another program".into(), |g| format!("{} {}", g.name, g.version));
    match format.cmp(&FORMAT_VERSION) {
        Ordering::Greater => Err(VerifyError::NewerFormat { made_by, format, reads: FORMAT_VERSION }),
        Ordering::Less => Err(VerifyError::OlderFormat { made_by, format }),
        Ordering::Equal => Ok(()),
    }
}
