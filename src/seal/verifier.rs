//! Checks a file while it streams past, in memory that does not grow with it.
//!
//! The verifier never trusts the seal: it counts and hashes for itself, writes down the seal line
//! that those bytes deserve, and compares it byte for byte with the one that is there.

use super::flaw::Flaw;
use super::hash::RunningHash;
use super::layout;
use crate::model::manifest::{FORMAT_VERSION, Head, Integrity, SealedTable};
use crate::model::ordered::Ordered;

/// Lines that are not records are kept whole up to this size; more is not ours.
const LONGEST_LINE: usize = 1 << 20;
const LARGEST_METADATA: usize = 64 << 20;

/// A file that is whole and unaltered.
#[derive(Clone, Debug, PartialEq)]
pub struct Verified {
    pub head: Head,
    pub records: u64,
    pub tables: u64,
    pub bytes: u64,
    /// SHA-256 of the whole file.
    pub sha256: String,
}

impl std::fmt::Display for Verified {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use crate::model::text::counted;
        let (records, tables) = (counted(self.records, "record"), counted(self.tables, "table"));
        write!(f, "complete: {records} in {tables}, sealed {}", self.head.exported_at)
    }
}

/// Where in the layout the next line stands.
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

#[derive(Clone)]
pub struct Verifier {
    hash: RunningHash,
    expect: Expect,
    line: u64,
    bytes: u64,
    /// The bytes of the current line so far; of a record only its ends are remembered.
    held: Vec<u8>,
    record: Option<[u8; 2]>,
    metadata_text: Vec<u8>,
    head: Option<Head>,
    table: Option<(String, u64)>,
    closed: Vec<(String, SealedTable)>,
}

impl Default for Verifier {
    fn default() -> Self {
        Self {
            hash: RunningHash::default(),
            expect: Expect::Head,
            line: 1,
            bytes: 0,
            held: Vec::new(),
            record: None,
            metadata_text: Vec::new(),
            head: None,
            table: None,
            closed: Vec::new(),
        }
    }
}

impl Verifier {
    /// Takes the next bytes of the file, however many.
    ///
    /// # Errors
    /// The first flaw found; the rest of the file need not be read.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), Flaw> {
        self.bytes += bytes.len() as u64;
        let mut hashed = 0;
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', bytes) {
            if self.expect == Expect::Seal {
                break;
            }
            self.take_part(&bytes[start..end])?;
            start = end + 1;
            // A table's digest is the hash as it stands after its closing line.
            if self.line_closes_table() || self.is_data_end() {
                self.hash.update(&bytes[hashed..start]);
                hashed = start;
            }
            self.end_line()?;
        }
        if self.expect == Expect::Seal {
            return self.hold_seal(&bytes[start..]);
        }
        self.hash.update(&bytes[hashed..]);
        self.take_part(&bytes[start..])
    }

    /// Says whether the bytes that were fed are a whole file.
    ///
    /// # Errors
    /// The flaw that makes it less.
    pub fn finish(mut self) -> Result<Verified, Flaw> {
        if self.bytes == 0 {
            return Err(Flaw::Empty);
        }
        let Some(head) = self.head.take().filter(|_| self.expect == Expect::Seal) else {
            return Err(self.cut());
        };
        let tables = self.closed.len() as u64;
        let records = self.closed.iter().map(|(_, table)| table.records).sum();
        let deserved = Integrity {
            complete: true,
            total_records: records,
            tables: Ordered(std::mem::take(&mut self.closed)),
            sha256: self.hash.hex(),
        };
        let line = layout::seal_line(&deserved);
        if self.held != line {
            return Err(self.explain_seal(&deserved, &line));
        }
        self.hash.update(&line);
        Ok(Verified { head, records, tables, bytes: self.bytes, sha256: self.hash.hex() })
    }

    fn line_closes_table(&self) -> bool {
        matches!(self.expect, Expect::Record { .. } | Expect::TableClose) && self.record.is_none()
    }

    fn is_data_end(&self) -> bool {
        matches!(self.expect, Expect::Table { may_end: true }) && self.held == layout::DATA_CLOSE_LINE
    }

    fn take_part(&mut self, part: &[u8]) -> Result<(), Flaw> {
        if part.is_empty() {
            return Ok(());
        }
        if matches!(self.expect, Expect::Record { .. }) {
            if self.record.is_none() && self.held.is_empty() && part[0] == b'{' {
                self.record = Some([b'{', 0]);
            }
            if let Some(ends) = &mut self.record {
                *ends = match *part {
                    [.., a, b] => [a, b],
                    [b] => [ends[1], b],
                    [] => *ends,
                };
                return Ok(());
            }
        }
        if self.held.len() + part.len() > LONGEST_LINE {
            return Err(self.unexpected("a line is longer than the format allows"));
        }
        self.held.extend_from_slice(part);
        Ok(())
    }

    fn end_line(&mut self) -> Result<(), Flaw> {
        let line = std::mem::take(&mut self.held);
        match self.expect {
            Expect::Head => self.head(&line)?,
            Expect::Metadata => self.metadata_line(&line)?,
            Expect::DataOpen => {
                if line != layout::DATA_OPEN_LINE {
                    return Err(self.unexpected("the data should begin here"));
                }
                self.expect = Expect::Table { may_end: self.promised_tables() == 0 };
            }
            Expect::Table { may_end } => self.table_open(&line, may_end)?,
            Expect::Record { may_end } => match self.record.take() {
                Some(ends) => self.count_record(ends)?,
                None if may_end => self.table_close(&line)?,
                None => return Err(self.unexpected("a record should stand here")),
            },
            Expect::TableClose => self.table_close(&line)?,
            Expect::Seal => {}
        }
        self.held = line;
        self.held.clear();
        self.line += 1;
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
        refuse_newer(&text)?;
        let head: Head = serde_json::from_str(&text)
            .map_err(|error| self.unexpected(&format!("the metadata cannot be read ({error})")))?;
        self.head = Some(head);
        self.expect = Expect::DataOpen;
        Ok(())
    }

    fn table_open(&mut self, line: &[u8], may_end: bool) -> Result<(), Flaw> {
        if may_end && line == layout::DATA_CLOSE_LINE {
            self.expect = Expect::Seal;
            return Ok(());
        }
        let name = layout::table_name(line).ok_or_else(|| self.unexpected("a table should begin here"))?;
        let promised = self.promise(self.closed.len()).map(|(name, _)| name.to_owned());
        if promised.as_deref() != Some(&name) {
            return Err(self.unexpected("the metadata promises another table here"));
        }
        self.table = Some((name, 0));
        self.expect = Expect::Record { may_end: true };
        Ok(())
    }

    fn count_record(&mut self, ends: [u8; 2]) -> Result<(), Flaw> {
        if let Some((_, records)) = &mut self.table {
            *records += 1;
        }
        self.expect = match ends {
            [b'}', b','] => Expect::Record { may_end: false },
            [_, b'}'] => Expect::TableClose,
            _ => return Err(self.unexpected("a record should end here")),
        };
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
        self.closed.push((table, SealedTable { records: found, sha256: self.hash.hex() }));
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

    fn explain_seal(&self, deserved: &Integrity, line: &[u8]) -> Flaw {
        let at = self.line;
        if line.starts_with(&self.held) {
            return Flaw::Cut { line: at, table: None };
        }
        let held_line = memchr::memchr(b'\n', &self.held).map_or(&self.held[..], |end| &self.held[..=end]);
        if held_line == line {
            return Flaw::Trailing { line: at + 1 };
        }
        let Some(claimed) = layout::parse_seal(held_line) else {
            return Flaw::SealAltered { line: at };
        };
        let same = |((a, x), (b, y)): &(&(String, SealedTable), &(String, SealedTable))| a == b && x == y;
        let whole = deserved.tables.iter().zip(claimed.tables.iter()).take_while(same).count();
        let first_damaged = deserved.tables.0.get(whole).map(|(name, _)| name);
        let all_later_differ = deserved.tables.iter().zip(claimed.tables.iter()).skip(whole).all(|pair| !same(&pair));
        match first_damaged {
            // A running hash never recovers: a lone difference lies in the seal, not in the data.
            _ if claimed.sha256 == deserved.sha256 || !all_later_differ => Flaw::SealAltered { line: at },
            Some(table) if whole == 0 => Flaw::Altered { place: format!("in the metadata or in table {table}") },
            Some(table) => Flaw::Altered { place: format!("in table {table}") },
            None => Flaw::Altered { place: "in the digest or after the last table".into() },
        }
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

/// Looks at the version alone, so that a newer file is refused by name and not as damaged.
fn refuse_newer(text: &str) -> Result<(), Flaw> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Version {
        format_version: u32,
        generator: Option<crate::model::manifest::Generator>,
    }
    match serde_json::from_str::<Version>(text) {
        Ok(version) if version.format_version > FORMAT_VERSION => Err(Flaw::Newer {
            made_by: version.generator.map_or("another program".into(), |g| format!("{} {}", g.name, g.version)),
            format: version.format_version,
            reads: FORMAT_VERSION,
        }),
        _ => Ok(()),
    }
}
