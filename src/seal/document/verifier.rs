//! Verifies a document as a stream, in memory that does not grow with it.
//!
//! The verifier never trusts the seal: it counts and hashes everything, computes the expected seal line
//! from that, and compares it byte by byte with the line in the file.

use super::expected::Expected;
use super::layout::{self, SealSuffix};
use super::metadata_check::{MetadataError, check_metadata};
use super::reader::{Event, EventReader, ReadError};
use super::record::RecordChecker;
use super::seal_mismatch::explain_seal_mismatch;
use super::verified::Verified;
use crate::model::manifest::{Integrity, MetadataSummary, SealedTable};
use crate::model::name::TableName;
use crate::seal::hash::{Digester, Sha256Digester};
use crate::seal::signature::UncheckedSignature;
use crate::seal::verify_error::VerifyError;

/// The writer never writes longer lines, except for records.
const MAX_LINE_BYTES: usize = 1 << 20;
/// Bytes after the data beyond this cannot be a seal.
const MAX_SEAL_BYTES: usize = 64 << 20;

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
    reader: EventReader,
    digester: D,
    expected: Expected,
    bytes: u64,
    record_checker: RecordChecker,
    metadata: Option<MetadataSummary>,
    table: Option<(TableName, u64)>,
    finished_tables: Vec<(TableName, u64)>,
    /// All bytes after the data.
    seal: Vec<u8>,
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
            reader: EventReader::new(MAX_LINE_BYTES),
            digester,
            expected: Expected::Metadata,
            bytes: 0,
            record_checker: RecordChecker::default(),
            metadata: None,
            table: None,
            finished_tables: Vec::new(),
            seal: Vec::new(),
        }
    }

    /// Checks the next bytes of the file, in pieces of any size.
    ///
    /// # Errors
    /// The first error found; the rest of the file need not be read.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), VerifyError> {
        self.bytes += bytes.len() as u64;
        let mut rest = bytes;
        // Many records are hashed at once: these begin here, and end where something else begins.
        let mut records = bytes;
        loop {
            let before = rest;
            let event = self.reader.next(&mut rest).map_err(|error| self.unreadable(error))?;
            if let Some(Event::Record { bytes, ends_line }) = event {
                self.check_record(bytes, ends_line)?;
                continue;
            }
            self.digester.update_table(&records[..records.len() - before.len()]);
            records = rest;
            match event {
                Some(event) => self.check_event(event)?,
                None => return Ok(()),
            }
        }
    }

    /// Checks that the bytes fed are a complete file with the right seal.
    ///
    /// # Errors
    /// The error, when the file is empty or cut off, or its seal is not the expected one.
    pub fn finish(mut self) -> Result<Verified, VerifyError> {
        if self.bytes == 0 {
            return Err(VerifyError::Empty);
        }
        let Some(metadata) = self.metadata.take().filter(|_| self.expected == Expected::Seal) else {
            return Err(self.truncated());
        };
        let tables = self.finished_tables.len() as u64;
        let records = self.finished_tables.iter().map(|(_, records)| records).sum();
        let digests = self.digester.finish();
        let sealed = SealedTable::from_counts_and_digests(self.finished_tables, digests.tables);
        let expected = Integrity { complete: true, total_records: records, tables: sealed, sha256: digests.file };
        let line = layout::seal_prefix(&expected);
        let signature = match self.seal.strip_prefix(&*line).and_then(layout::parse_seal_suffix) {
            Some(SealSuffix::Signed(signature)) => Some(UncheckedSignature::new(signature, &line)),
            Some(SealSuffix::Unsigned) => None,
            None => return Err(explain_seal_mismatch(&self.seal, self.reader.line_number(), &expected, &line)),
        };
        Ok(Verified { metadata, records, tables, bytes: self.bytes, sha256: expected.sha256, signature })
    }

    fn check_record(&mut self, bytes: &[u8], ends_line: bool) -> Result<(), VerifyError> {
        self.record_checker.feed(bytes).map_err(|what| self.malformed(what))?;
        if !ends_line {
            return Ok(());
        }
        if let Some((_, records)) = &mut self.table {
            *records += 1;
        }
        let more = self.record_checker.end_line().map_err(|what| self.malformed(what))?;
        self.expected = if more { Expected::Record { may_end: false } } else { Expected::TableClosing };
        Ok(())
    }

    /// Checks and hashes all that is not a record.
    fn check_event(&mut self, event: Event<'_>) -> Result<(), VerifyError> {
        match (self.expected, event) {
            (Expected::Metadata, Event::Metadata(text)) => self.open_metadata(text),
            (Expected::DataOpening, Event::DataOpened) => {
                self.digester.update_frame(layout::DATA_OPEN);
                self.expected = Expected::Table { may_end: self.declared_tables() == 0 };
                Ok(())
            }
            (Expected::Table { .. }, Event::TableOpened { name }) => self.open_table(name),
            (Expected::Record { may_end: true } | Expected::TableClosing, Event::TableClosed { is_last }) => {
                self.close_table(is_last)
            }
            (Expected::Table { may_end: true }, Event::DataClosed) => {
                self.digester.update_frame(layout::DATA_CLOSE);
                self.expected = Expected::Seal;
                Ok(())
            }
            (Expected::Seal, Event::Seal(bytes)) => self.keep_seal(bytes),
            (expected, _) => Err(self.malformed(expected.message())),
        }
    }

    fn open_metadata(&mut self, text: Vec<u8>) -> Result<(), VerifyError> {
        self.digester.update_frame(layout::METADATA_OPEN);
        self.digester.update_frame(&text);
        self.digester.update_frame(layout::METADATA_END);
        let metadata = check_metadata(text).map_err(|error| match error {
            MetadataError::OtherVersion(error) => error,
            MetadataError::Damaged(what) => self.malformed(&what),
        })?;
        self.metadata = Some(metadata);
        self.expected = Expected::DataOpening;
        Ok(())
    }

    fn open_table(&mut self, name: TableName) -> Result<(), VerifyError> {
        if self.declared_table().is_none_or(|(declared, _)| *declared != name) {
            return Err(self.malformed("the metadata lists another table here"));
        }
        // `check_metadata` has checked that the schema lists the same tables in the same order.
        let Some((_, schema)) = self.metadata.as_ref().and_then(|head| head.schema.0.get(self.finished_tables.len()))
        else {
            return Err(self.malformed("the metadata does not describe this table"));
        };
        self.record_checker = RecordChecker::for_columns(schema.columns.iter().map(|column| &*column.name));
        self.digester.update_table(self.reader.line());
        self.digester.update_table(b"\n");
        self.table = Some((name, 0));
        self.expected = Expected::Record { may_end: true };
        Ok(())
    }

    fn close_table(&mut self, is_last: bool) -> Result<(), VerifyError> {
        if is_last != (self.finished_tables.len() + 1 == self.declared_tables()) {
            return Err(self.malformed("the table should end here"));
        }
        let declared = self.declared_table().map_or(0, |(_, records)| records);
        let Some((table, found)) = self.table.take() else { return Err(self.truncated()) };
        if found != declared {
            return Err(VerifyError::CountMismatch { line: self.reader.line_number(), table, found, declared });
        }
        self.digester.end_table();
        self.digester.update_frame(if is_last { layout::TABLE_CLOSE_LAST } else { layout::TABLE_CLOSE });
        self.finished_tables.push((table, found));
        self.expected = Expected::Table { may_end: is_last };
        Ok(())
    }

    fn keep_seal(&mut self, bytes: &[u8]) -> Result<(), VerifyError> {
        if self.seal.len() + bytes.len() > MAX_SEAL_BYTES {
            return Err(VerifyError::TrailingBytes { line: self.reader.line_number() });
        }
        self.seal.extend_from_slice(bytes);
        Ok(())
    }

    fn declared_tables(&self) -> usize {
        self.metadata.as_ref().map_or(0, |head| head.record_counts.len())
    }

    /// The current or next table, as the metadata promises it.
    fn declared_table(&self) -> Option<(&TableName, u64)> {
        let (name, records) = self.metadata.as_ref()?.record_counts.0.get(self.finished_tables.len())?;
        Some((name, *records))
    }

    fn truncated(&self) -> VerifyError {
        let line = self.reader.line_number();
        if line == 1 && !layout::METADATA_OPEN.starts_with(self.reader.line()) {
            return VerifyError::NotAnExport { line };
        }
        VerifyError::Truncated { line, table: self.table.as_ref().map(|(name, _)| name.clone()) }
    }

    fn unreadable(&self, error: ReadError) -> VerifyError {
        self.malformed(&error.to_string())
    }

    /// A file whose first line is wrong is no export; in any other, the line is damaged.
    fn malformed(&self, what: &str) -> VerifyError {
        match self.reader.line_number() {
            1 => VerifyError::NotAnExport { line: 1 },
            line => VerifyError::Damaged {
                line,
                table: self.table.as_ref().map(|(name, _)| name.clone()),
                what: what.into(),
            },
        }
    }
}
