//! Verifies a file as a stream, in memory that does not grow with the file.
//!
//! The verifier never trusts the seal: it counts and hashes everything, computes the expected seal line
//! from that, and compares it byte by byte with the line in the file.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::flaw::Flaw;
use super::hash::{Digester, Hasher};
use super::layout::{self, SealEnd};
use super::record::RecordChecker;
use super::signature::Signed;
use crate::model::manifest::{ColumnNames, FORMAT_VERSION, Head, Integrity, SealedTable};
use crate::model::ordered::repeated;
use crate::model::text::begins_a_time;

/// Lines that are not records are buffered, up to this size; the writer never writes longer ones.
const LONGEST_LINE: usize = 1 << 20;
const LARGEST_METADATA: usize = 64 << 20;
/// Limits the memory that a hostile file can take.
const MOST_TABLES: usize = 100_000;

/// A file that matches its own seal. Only a trusted signature shows that it is unaltered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verified {
    pub head: Head,
    pub records: u64,
    pub tables: u64,
    /// Size of the content, decompressed.
    pub bytes: u64,
    /// The seal's digest (`Integrity::sha256`), which identifies the content.
    pub sha256: String,
    /// The signature and the message it should be of; not checked yet.
    pub signed: Option<Signed>,
}

impl std::fmt::Display for Verified {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use crate::model::text::{counted, one_line};
        let (records, tables) = (counted(self.records, "record"), counted(self.tables, "table"));
        let source = one_line(&self.head.source.name);
        write!(f, "{records} in {tables} of {source}, sealed {}", self.head.exported_at)
    }
}

/// The progress of checking a file, or its result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Check {
    Read {
        percent: u64,
    },
    Whole(Box<Verified>),
    NotWhole(String),
    /// The file could not be read, and may be valid.
    NotChecked(String),
}

/// What the next line must be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expect {
    Head,
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
#[derive(Clone)]
pub struct Verifier<D = Hasher> {
    digester: D,
    expect: Expect,
    line: u64,
    bytes: u64,
    /// The bytes of the current line so far; records are not buffered.
    held: Vec<u8>,
    in_record: bool,
    record: RecordChecker,
    metadata_text: Vec<u8>,
    head: Option<Head>,
    table: Option<(String, u64)>,
    closed: Vec<(String, u64)>,
}

impl Default for Verifier {
    fn default() -> Self {
        Self::with(Hasher::default())
    }
}

impl<D: Digester> Verifier<D> {
    /// Creates a verifier that hashes with `digester`.
    pub fn with(digester: D) -> Self {
        Self {
            digester,
            expect: Expect::Head,
            line: 1,
            bytes: 0,
            held: Vec::new(),
            in_record: false,
            record: RecordChecker::default(),
            metadata_text: Vec::new(),
            head: None,
            table: None,
            closed: Vec::new(),
        }
    }

    /// Checks the next bytes of the file, in pieces of any size.
    ///
    /// # Errors
    /// The first flaw found; the rest of the file need not be read.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), Flaw> {
        self.bytes += bytes.len() as u64;
        let mut start = 0;
        // Many records are hashed at once; all bytes before this index are hashed.
        let mut hashed = 0;
        for end in memchr::memchr_iter(b'\n', bytes) {
            if self.expect == Expect::Seal {
                break;
            }
            self.take_part(&bytes[start..end])?;
            if !self.in_record {
                self.digester.table(&bytes[hashed..start]);
                hashed = end + 1;
            }
            start = end + 1;
            self.end_line()?;
        }
        if self.expect == Expect::Seal {
            return self.hold_seal(&bytes[start..]);
        }
        self.take_part(&bytes[start..])?;
        self.digester.table(&bytes[hashed..if self.in_record { bytes.len() } else { start }]);
        Ok(())
    }

    /// Checks that the bytes fed are a complete file with the right seal.
    ///
    /// # Errors
    /// The flaw, when the file is empty or cut off, or its seal is not the expected one.
    pub fn finish(mut self) -> Result<Verified, Flaw> {
        if self.bytes == 0 {
            return Err(Flaw::Empty);
        }
        let Some(head) = self.head.take().filter(|_| self.expect == Expect::Seal) else {
            return Err(self.cut());
        };
        let tables = self.closed.len() as u64;
        let records = self.closed.iter().map(|(_, records)| records).sum();
        let digests = self.digester.end();
        let sealed = SealedTable::all(self.closed, digests.tables);
        let deserved = Integrity { complete: true, total_records: records, tables: sealed, sha256: digests.file };
        let line = layout::seal_open(&deserved);
        let signed = match self.held.strip_prefix(&*line).and_then(layout::parse_seal_close) {
            Some(SealEnd::Signed(signature)) => Some(Signed::new(signature, &line)),
            Some(SealEnd::Unsigned) => None,
            None => return Err(explain_seal(&self.held, self.line, &deserved, &line)),
        };
        Ok(Verified { head, records, tables, bytes: self.bytes, sha256: deserved.sha256, signed })
    }

    fn take_part(&mut self, part: &[u8]) -> Result<(), Flaw> {
        if part.is_empty() {
            return Ok(());
        }
        let begins = matches!(self.expect, Expect::Record { .. }) && self.held.is_empty() && part[0] == b'{';
        if self.in_record || begins {
            self.in_record = true;
            return self.record.feed(part).map_err(|what| self.unexpected(what));
        }
        if self.held.len() + part.len() > LONGEST_LINE {
            return Err(self.unexpected("a line is longer than the format allows"));
        }
        self.held.extend_from_slice(part);
        Ok(())
    }

    fn end_line(&mut self) -> Result<(), Flaw> {
        if std::mem::take(&mut self.in_record) {
            self.end_record()?;
        } else {
            let mut line = std::mem::take(&mut self.held);
            self.end_other(&line)?;
            line.clear();
            self.held = line;
        }
        self.line += 1;
        Ok(())
    }

    /// Ends a line that is not a record.
    fn end_other(&mut self, line: &[u8]) -> Result<(), Flaw> {
        match self.expect {
            Expect::Head => self.head(line)?,
            Expect::Metadata => self.metadata_line(line)?,
            Expect::DataOpen => {
                if line != layout::DATA_OPEN_LINE {
                    return Err(self.unexpected("the data should begin here"));
                }
                self.expect = Expect::Table { may_end: self.promised_tables() == 0 };
            }
            Expect::Table { may_end: true } if line == layout::DATA_CLOSE_LINE => self.expect = Expect::Seal,
            Expect::Table { .. } => {
                self.table_open(line)?;
                self.digester.table(line);
                self.digester.table(b"\n");
                return Ok(());
            }
            Expect::Record { may_end: false } => return Err(self.unexpected("a record should stand here")),
            Expect::Record { may_end: true } | Expect::TableClose => self.table_close(line)?,
            Expect::Seal => {}
        }
        self.digester.frame(line);
        self.digester.frame(b"\n");
        Ok(())
    }

    fn end_record(&mut self) -> Result<(), Flaw> {
        if let Some((_, records)) = &mut self.table {
            *records += 1;
        }
        let more = self.record.end_line().map_err(|what| self.unexpected(what))?;
        self.expect = if more { Expect::Record { may_end: false } } else { Expect::TableClose };
        Ok(())
    }

    fn head(&mut self, line: &[u8]) -> Result<(), Flaw> {
        if line != layout::METADATA_OPEN.trim_end().as_bytes() {
            return Err(Flaw::Foreign { line: self.line });
        }
        self.expect = Expect::Metadata;
        Ok(())
    }

    fn metadata_line(&mut self, line: &[u8]) -> Result<(), Flaw> {
        if self.metadata_text.len() + line.len() > LARGEST_METADATA {
            return Err(self.unexpected("the metadata is larger than the format allows"));
        }
        if line != layout::METADATA_CLOSE {
            self.metadata_text.extend_from_slice(line);
            self.metadata_text.push(b'\n');
            return Ok(());
        }
        self.metadata_text.push(b'}');
        let text = std::mem::take(&mut self.metadata_text);
        let text = String::from_utf8(text).map_err(|_| self.unexpected("the metadata is not UTF-8"))?;
        refuse_other_versions(&text)?;
        let head: Head = serde_json::from_str(&text)
            .map_err(|error| self.unexpected(&format!("the metadata cannot be read ({error})")))?;
        if let Some(what) = contradiction(&head) {
            return Err(self.unexpected(what));
        }
        self.head = Some(head);
        self.expect = Expect::DataOpen;
        Ok(())
    }

    fn table_open(&mut self, line: &[u8]) -> Result<(), Flaw> {
        let name = layout::table_name(line).ok_or_else(|| self.unexpected("a table should begin here"))?;
        let promised = self.promise(self.closed.len()).map(|(name, _)| name.to_owned());
        if promised.as_deref() != Some(&name) {
            return Err(self.unexpected("the metadata promises another table here"));
        }
        // `contradiction` has checked that the schema lists the same tables in the same order.
        let Some((_, schema)) = self.head.as_ref().and_then(|head| head.schema.0.get(self.closed.len())) else {
            return Err(self.unexpected("the metadata does not describe this table"));
        };
        self.record = RecordChecker::of_table(schema.columns.iter().map(|column| &*column.name));
        self.table = Some((name, 0));
        self.expect = Expect::Record { may_end: true };
        Ok(())
    }

    fn table_close(&mut self, line: &[u8]) -> Result<(), Flaw> {
        let last = self.closed.len() + 1 == self.promised_tables();
        let closing = if last { layout::TABLE_CLOSE_LAST } else { layout::TABLE_CLOSE };
        if line != closing.trim_end().as_bytes() {
            return Err(self.unexpected("the table should end here"));
        }
        let promised = self.promise(self.closed.len()).map_or(0, |(_, records)| records);
        let Some((table, found)) = self.table.take() else { return Err(self.cut()) };
        if found != promised {
            return Err(Flaw::Miscounted { line: self.line, table, found, promised });
        }
        self.digester.end_table();
        self.closed.push((table, found));
        self.expect = Expect::Table { may_end: last };
        Ok(())
    }

    fn hold_seal(&mut self, part: &[u8]) -> Result<(), Flaw> {
        if self.held.len() + part.len() > LARGEST_METADATA {
            return Err(Flaw::Trailing { line: self.line });
        }
        self.held.extend_from_slice(part);
        Ok(())
    }

    fn promised_tables(&self) -> usize {
        self.head.as_ref().map_or(0, |head| head.record_counts.len())
    }

    fn promise(&self, index: usize) -> Option<(&str, u64)> {
        let (name, records) = self.head.as_ref()?.record_counts.0.get(index)?;
        Some((name, *records))
    }

    fn cut(&self) -> Flaw {
        let table = self.table.as_ref().map(|(name, _)| name.clone());
        let opening = layout::METADATA_OPEN.as_bytes();
        match self.expect {
            Expect::Head if !opening.starts_with(&self.held) => Flaw::Foreign { line: 1 },
            _ => Flaw::Cut { line: self.line, table },
        }
    }

    fn unexpected(&self, what: &str) -> Flaw {
        let table = self.table.as_ref().map(|(name, _)| name.clone());
        match self.expect {
            Expect::Head => Flaw::Foreign { line: self.line },
            _ => Flaw::Damaged { line: self.line, table, what: what.into() },
        }
    }
}

/// Finds how the end of the file differs from the expected seal.
fn explain_seal(stands: &[u8], at: u64, deserved: &Integrity, line: &[u8]) -> Flaw {
    let Some(end) = memchr::memchr(b'\n', stands) else { return Flaw::Cut { line: at, table: None } };
    let (held, rest) = stands.split_at(end + 1);
    if !rest.is_empty() && held.strip_prefix(line).and_then(layout::parse_seal_close).is_some() {
        return Flaw::Trailing { line: at + 1 };
    }
    let Some(claimed) = layout::parse_seal(held).filter(|claimed| claimed.sha256 != deserved.sha256) else {
        return Flaw::SealAltered { line: at };
    };
    let differs = |((a, x), (b, y)): &(&(String, SealedTable), &(String, SealedTable))| a != b || x != y;
    let place = match deserved.tables.iter().zip(claimed.tables.iter()).find(differs) {
        Some(((table, _), _)) => format!("in table {table}"),
        None => "in the metadata, between the tables or in the seal".into(),
    };
    Flaw::Altered { place }
}

/// Finds metadata that contradicts itself, or that two readers would read differently.
fn contradiction(head: &Head) -> Option<&'static str> {
    let tables = || head.record_counts.iter().map(|(name, _)| name);
    let describes_them = tables().eq(head.schema.iter().map(|(name, _)| name));
    let repeats_a_name =
        |names: &ColumnNames| repeated(names.columns.iter().map(|column| &*column.name).collect()).is_some();
    let total = head.record_counts.iter().try_fold(0_u64, |sum, (_, records)| sum.checked_add(*records));
    if head.format_version != FORMAT_VERSION || !is_time(&head.exported_at) {
        Some("the metadata does not say in which format or when it was made")
    } else if !describes_them || head.schema.iter().any(|(_, names)| repeats_a_name(names)) {
        Some("the metadata does not describe each table that it promises, or a column twice")
    } else if total != Some(head.total_records) || head.record_counts.len() > MOST_TABLES {
        Some("the metadata's total is not the sum of its counts, or there are too many of them")
    } else {
        None
    }
}

/// Whether `text` is a time: it is printed beside the verdict, and free text could imitate one.
fn is_time(text: &str) -> bool {
    text.len() == 20 && begins_a_time(text)
}

/// Reads only the version, so that a file of another version is reported as such and not as damaged.
fn refuse_other_versions(text: &str) -> Result<(), Flaw> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Version {
        format_version: u32,
        generator: Option<crate::model::manifest::Generator>,
    }
    let Ok(Version { format_version: format, generator }) = serde_json::from_str(text) else { return Ok(()) };
    let made_by = generator.map_or("another program".into(), |g| format!("{} {}", g.name, g.version));
    match format.cmp(&FORMAT_VERSION) {
        Ordering::Greater => Err(Flaw::Newer { made_by, format, reads: FORMAT_VERSION }),
        Ordering::Less => Err(Flaw::Older { made_by, format }),
        Ordering::Equal => Ok(()),
    }
}
