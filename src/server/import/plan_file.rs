//! Writes the plan of an import as a sealed file: a document whose records are the changes (`docs/import.md`, "The plan").

use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::changes::{RecordedChanges, RecordedTable};
use crate::model::access::SourceLabel;
use crate::model::catalog::{Codec, ColumnSchema, TableSchema};
use crate::model::import::ImportMode;
use crate::model::import_plan::ImportPlanHead;
use crate::model::manifest::{
    AuditHead, ExportType, FORMAT_VERSION, Generator, Metadata, RecordOrder, SnapshotDescription, SourceDescription,
};
use crate::model::ordered_map::OrderedMap;
use crate::model::redaction::Redaction;
use crate::seal::{self, DocumentWriter, SealSigner, layout};

/// The columns of a change.
const COLUMNS: [(&str, Codec); 4] =
    [("action", Codec::Text), ("reason", Codec::Text), ("key", Codec::Json), ("changes", Codec::Json)];

/// The hash of a plan: of the file and which part of it, the mode and its policies, the database, the sums, what decides about values, and every change.
pub fn plan_hash(head: &ImportPlanHead, changes: &RecordedChanges) -> String {
    let ImportPlanHead { file_sha256, mode, part, policies, target, tables, rules, .. } = head;
    // Copies get other ids each time, and change nothing that is there: their numbers are the plan.
    let changes = if *mode == ImportMode::Copy { "" } else { changes.digest.as_str() };
    let hashed = serde_json::json!([file_sha256, mode, part, policies, target, tables, rules, changes]);
    hex::encode(Sha256::digest(hashed.to_string()))
}

/// When, by whom and of which database a plan was made.
pub struct PlanOrigin {
    /// RFC 3339, UTC.
    pub planned_at: String,
    pub planned_by: String,
    pub id: Uuid,
    pub target: SourceLabel,
}

/// Writes a plan to `out` and seals it.
///
/// # Errors
/// When `out` cannot be written, or the temporary file of the changes cannot be read.
pub fn write_plan<W: Write>(
    out: W,
    head: &ImportPlanHead,
    origin: PlanOrigin,
    changes: &mut RecordedChanges,
    signer: &dyn SealSigner,
) -> io::Result<W> {
    let metadata = metadata(head, origin, &changes.tables);
    let mut document = DocumentWriter::begin(out, &metadata, Some(signer)).map_err(to_io_error)?;
    changes.lines.seek(SeekFrom::Start(0))?;
    let mut lines = BufReader::with_capacity(256 << 10, &changes.lines);
    let mut line = Vec::new();
    for RecordedTable { table, records } in &changes.tables {
        let opening = layout::table_opening(table);
        document.write_table(opening.as_bytes()).map_err(to_io_error)?;
        for number in 0..*records {
            if number > 0 {
                document.write_table(layout::RECORD_SEPARATOR).map_err(to_io_error)?;
            }
            line.clear();
            lines.read_until(b'\n', &mut line)?;
            document.write_table(line.strip_suffix(b"\n").unwrap_or(&line)).map_err(to_io_error)?;
        }
        if *records > 0 {
            document.write_table(layout::RECORDS_END).map_err(to_io_error)?;
        }
        document.end_table(table.clone(), *records).map_err(to_io_error)?;
    }
    Ok(document.finish().map_err(to_io_error)?.0)
}

fn to_io_error(error: seal::Error) -> io::Error {
    match error {
        seal::Error::Write(error) => error,
        other => io::Error::other(other),
    }
}

fn metadata(head: &ImportPlanHead, origin: PlanOrigin, tables: &[RecordedTable]) -> Metadata {
    let PlanOrigin { planned_at, planned_by, id, target } = origin;
    let column = |(name, codec): &(&str, Codec)| ColumnSchema::new(name, "", *codec);
    let schema = || TableSchema { primary_key: Vec::new(), columns: COLUMNS.iter().map(column).collect() };
    Metadata {
        exported_at: planned_at.clone(),
        export_type: ExportType::ImportPlan,
        version: "1.0".into(),
        filters_applied: OrderedMap::default(),
        record_counts: tables.iter().map(|table| (table.table.clone(), table.records)).collect(),
        total_records: tables.iter().map(|table| table.records).sum(),
        exported_by: planned_by,
        format_version: FORMAT_VERSION,
        export_id: id.to_string(),
        order: RecordOrder::Key,
        selected_records: OrderedMap::default(),
        generator: Generator { name: "waybill".into(), version: env!("CARGO_PKG_VERSION").into() },
        source: SourceDescription {
            name: target.profile.clone(),
            engine: target.engine,
            engine_version: target.engine_version,
            profile: target.profile,
            snapshot: SnapshotDescription { taken_at: planned_at, isolation: String::new() },
        },
        redaction: Redaction::default(),
        not_included: Vec::new(),
        missing_media: None,
        audit: AuditHead::default(),
        schema: tables.iter().map(|table| (table.table.clone(), schema())).collect(),
        contents: None,
        import_plan: Some(head.clone()),
    }
}
