//! Writes and hashes a file in one pass, and seals it only when it is complete.

use std::io::{self, Write};

use super::layout;
use crate::model::manifest::{Integrity, Metadata, SealedTable};
use crate::model::name::TableName;
use crate::model::ordered_map::OrderedMap;
use crate::seal::hash::{Digester, Sha256Digester};
use crate::seal::signature::{SealSigner, signed_message};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the output cannot be written")]
    Write(#[from] io::Error),
    #[error("table {table} returned {found} records, but {declared} were counted in the same snapshot")]
    CountMismatch { table: TableName, found: u64, declared: u64 },
    /// `None` is the end of the tables.
    #[error("tables are out of order: found {}, expected {}", name_or(.found.as_ref(), "the end"), name_or(.declared.as_ref(), "no further table"))]
    OutOfOrder { found: Option<TableName>, declared: Option<TableName> },
}

fn name_or<'t>(table: Option<&'t TableName>, absent: &'t str) -> &'t str {
    table.map_or(absent, TableName::as_str)
}

/// Counts, size and digest of a sealed file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentSummary {
    pub records: u64,
    pub tables: u64,
    pub bytes: u64,
    /// The seal's digest (`Integrity::sha256`).
    pub sha256: String,
}

/// Writer of a sealed file. Dropped before `finish`, it leaves a file without a seal, which readers refuse.
///
/// ```
/// use waybill::seal::{DocumentWriter, Verifier};
///
/// let metadata = serde_json::from_value(serde_json::json!({
///     "exportedAt": "2026-11-20T14:02:11Z", "exportType": "full", "version": "1.0", "filtersApplied": {},
///     "recordCounts": {"users": 1}, "totalRecords": 1, "exportedBy": "cli:ada", "formatVersion": 2,
///     "exportId": "01900000-0000-7000-8000-000000000000", "order": "storage",
///     "generator": {"name": "waybill", "version": "0.1.0"},
///     "source": {"name": "shop", "engine": "SQLite", "engineVersion": "3", "profile": "shop",
///                "snapshot": {"takenAt": "2026-11-20T14:02:11Z", "isolation": "snapshot"}},
///     "audit": {"entries": 0, "hash": ""},
///     "schema": {"users": {"columns": [{"name": "id", "type": "INTEGER", "codec": "integer", "nullable": false}]}}
/// })).unwrap();
/// let mut writer = DocumentWriter::begin(Vec::new(), &metadata, None)?;
/// writer.write_table(b"\"users\":[\n{\"id\":1}\n")?;
/// writer.end_table("users".into(), 1)?;
/// let (bytes, summary) = writer.finish()?;
/// assert_eq!(summary.records, 1);
///
/// let mut verifier = Verifier::default();
/// verifier.feed(&bytes).unwrap();
/// assert_eq!(verifier.finish().unwrap().sha256, summary.sha256);
/// # Ok::<(), waybill::seal::Error>(())
/// ```
pub struct DocumentWriter<'s, W: Write> {
    out: W,
    hasher: Sha256Digester,
    signer: Option<&'s dyn SealSigner>,
    bytes: u64,
    declared_counts: OrderedMap<TableName, u64>,
    finished_tables: Vec<(TableName, u64)>,
}

impl<'s, W: Write> DocumentWriter<'s, W> {
    /// Writes the metadata and opens the data. Without a signer, the seal is not signed.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn begin(out: W, metadata: &Metadata, signer: Option<&'s dyn SealSigner>) -> Result<Self, Error> {
        let declared_counts = metadata.record_counts.clone();
        let mut writer = Self {
            out,
            hasher: Sha256Digester::default(),
            signer,
            bytes: 0,
            declared_counts,
            finished_tables: Vec::new(),
        };
        let metadata_json = serde_json::to_vec_pretty(metadata).map_err(io::Error::from)?;
        writer.write_frame(layout::METADATA_OPEN)?;
        writer.write_frame(&metadata_json)?;
        writer.write_frame(&[layout::METADATA_END, layout::DATA_OPEN].concat())?;
        Ok(writer)
    }

    /// Writes bytes of the current table: its opening line and its records.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn write_table(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.hasher.update_table(bytes);
        self.write_bytes(bytes)
    }

    fn write_frame(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.hasher.update_frame(bytes);
        self.write_bytes(bytes)
    }

    fn write_bytes(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.out.write_all(bytes)?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// Closes the current table and checks it against the metadata.
    ///
    /// # Errors
    /// `OutOfOrder` when the metadata promises another table, `CountMismatch` when it promises another number of records;
    /// `Write` when the output cannot be written.
    pub fn end_table(&mut self, table: TableName, found: u64) -> Result<(), Error> {
        let Some((name, promised)) = self.declared_counts.0.get(self.finished_tables.len()) else {
            return Err(Error::OutOfOrder { found: Some(table), declared: None });
        };
        if *name != table {
            return Err(Error::OutOfOrder { found: Some(table), declared: Some(name.clone()) });
        }
        if *promised != found {
            return Err(Error::CountMismatch { table, found, declared: *promised });
        }
        let is_last = self.finished_tables.len() + 1 == self.declared_counts.len();
        self.hasher.end_table();
        self.finished_tables.push((table, found));
        self.write_frame(if is_last { layout::TABLE_CLOSE_LAST } else { layout::TABLE_CLOSE })?;
        Ok(())
    }

    /// Seals the file. Nothing else writes a seal, so an unfinished file never passes for a complete one.
    ///
    /// # Errors
    /// `OutOfOrder` when a promised table is missing; `Write` when the output cannot be written.
    pub fn finish(mut self) -> Result<(W, DocumentSummary), Error> {
        if let Some((missing, _)) = self.declared_counts.0.get(self.finished_tables.len()) {
            return Err(Error::OutOfOrder { found: None, declared: Some(missing.clone()) });
        }
        self.write_frame(layout::DATA_CLOSE)?;
        let records = self.finished_tables.iter().map(|(_, records)| records).sum();
        let tables = self.finished_tables.len() as u64;
        let digests = std::mem::take(&mut self.hasher).finish();
        let seal = Integrity {
            complete: true,
            total_records: records,
            tables: SealedTable::from_counts_and_digests(std::mem::take(&mut self.finished_tables), digests.tables),
            sha256: digests.file,
        };
        let line = layout::seal_prefix(&seal);
        let signature = self.signer.map(|signer| signer.sign(&signed_message(&line)));
        self.write_bytes(&line)?;
        self.write_bytes(&layout::seal_suffix(signature.as_ref()))?;
        self.out.flush()?;
        Ok((self.out, DocumentSummary { records, tables, bytes: self.bytes, sha256: seal.sha256 }))
    }
}
