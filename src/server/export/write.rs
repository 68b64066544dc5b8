//! Writes one snapshot into one sealed file. Shared by page and command line; blocks.

use std::io::{self, Write};
use std::path::Path;

use tokio_util::sync::CancellationToken;

use super::plan::ExportPlan;
use super::{Error, Result};
use crate::model::export::Compression;
use crate::model::text;
use crate::seal::{self, DocumentSummary, DocumentWriter, SealSigner};
use crate::server::pipeline::compress::Compressor;
use crate::server::pipeline::encode::json::JsonEncoder;
use crate::server::pipeline::redact::{PseudonymKey, Redactor};
use crate::server::pipeline::{self, ChunkWriter, ProgressCounter, run_pipeline};
use crate::server::profile::PlannedTable;
use crate::server::rows::{RowSink, Stopped};
use crate::server::source::{self, Snapshot};

/// Writes the planned file to `out` and seals it. On any error no seal is written.
///
/// # Errors
/// `Stopped` after a cancellation; `StoppedAt` with table and record once tables are being read; `Output` before and
/// after that.
pub fn write<W: Write>(
    snapshot: &mut dyn Snapshot,
    plan: &ExportPlan,
    out: W,
    compression: Compression,
    signer: &dyn SealSigner,
    progress: &ProgressCounter,
    cancellation: &CancellationToken,
) -> Result<(W, DocumentSummary)> {
    let out = Compressor::new(out, compression).map_err(|error| output_error(&error))?;
    let document = DocumentWriter::begin(out, &plan.metadata, Some(signer)).map_err(seal_error)?;
    let written =
        run_pipeline(document, progress, cancellation, |chunks| read_tables(snapshot, plan, chunks, progress));
    let (compressor, sealed) = written.map_err(|error| {
        if cancellation.is_cancelled() { Error::Stopped } else { with_position(error, plan, progress) }
    })?;
    let (out, bytes) = compressor.finish().map_err(|error| output_error(&error))?;
    // The size of the file as written, after compression.
    Ok((out, DocumentSummary { bytes, ..sealed }))
}

fn read_tables(
    snapshot: &mut dyn Snapshot,
    plan: &ExportPlan,
    chunks: &mut ChunkWriter<'_>,
    progress: &ProgressCounter,
) -> source::Result<()> {
    for (index, planned) in plan.tables.iter().enumerate() {
        progress.set_table(index);
        let mut table = JsonEncoder::begin_table(chunks, progress, &planned.scan);
        read_redacted(snapshot, planned, &plan.pseudonym_key, &mut table)?;
        let records = table.end_table();
        chunks.end_table(planned.scan.table.as_str(), records).map_err(|Stopped| source::Error::sink_stopped())?;
    }
    Ok(())
}

/// Reads a table, through the redactor if any of its columns is masked or pseudonymised.
fn read_redacted(
    snapshot: &mut dyn Snapshot,
    planned: &PlannedTable,
    key: &PseudonymKey,
    table: &mut dyn RowSink,
) -> source::Result<()> {
    let PlannedTable { scan, treatments } = planned;
    if Redactor::is_needed(treatments) {
        snapshot.read_table(scan, &mut Redactor::new(table, &scan.columns, treatments, key))
    } else {
        snapshot.read_table(scan, table)
    }
}

fn with_position(error: pipeline::Error<source::Error>, plan: &ExportPlan, progress: &ProgressCounter) -> Error {
    let cause = match error {
        pipeline::Error::Read(error) => Error::Source(error),
        pipeline::Error::Seal(error) => seal_error(error),
        pipeline::Error::Panicked => Error::Panicked,
    };
    let Some((index, planned)) = progress.table_index().and_then(|i| Some((i, plan.tables.get(i)?))) else {
        return cause;
    };
    let before: u64 = plan.metadata.record_counts.iter().take(index).map(|(_, records)| records).sum();
    let record = progress.records().saturating_sub(before);
    Error::StoppedAt { table: planned.scan.table.to_string(), record, cause: Box::new(cause) }
}

/// Turns an error of the sealing writer into one that users understand.
pub(super) fn seal_error(error: seal::Error) -> Error {
    match error {
        seal::Error::Write(error) => output_error(&error),
        seal::Error::CountMismatch { found, declared, .. } => Error::Inconsistent(format!(
            "the table returned {}, but {} were counted in the same snapshot; the database is damaged or was changed while it was read",
            text::count_with_noun(found, "record"),
            text::count(declared)
        )),
        seal::Error::OutOfOrder { .. } => Error::Inconsistent(error.to_string()),
    }
}

pub(super) fn output_error_for(path: &Path, error: &io::Error) -> Error {
    Error::Output(format!("{}: {}", path.display(), describe_io_error(error)))
}

fn output_error(error: &io::Error) -> Error {
    Error::Output(describe_io_error(error))
}

fn describe_io_error(error: &io::Error) -> String {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::NotFound => "the output cannot be written: its folder does not exist".into(),
        ErrorKind::NotADirectory | ErrorKind::IsADirectory => {
            "the output cannot be written: its path is a folder, or a part of the path is a file".into()
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "the disk is full; make room and try again".into(),
        ErrorKind::FileTooLarge => "the file is larger than the system allows".into(),
        ErrorKind::BrokenPipe => "the program that reads the output has exited".into(),
        ErrorKind::PermissionDenied => "the output cannot be written there: permission denied".into(),
        ErrorKind::ReadOnlyFilesystem => "the output's file system is read-only".into(),
        kind => format!("the output cannot be written ({kind})"),
    }
}
