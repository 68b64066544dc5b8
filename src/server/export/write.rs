//! Writes one snapshot into one sealed file. Shared by page and command line; blocks.

use std::io::{self, Write};
use std::path::Path;

use super::plan::ExportPlan;
use super::{Error, Result};
use crate::model::export::Compression;
use crate::model::text;
use crate::seal::{self, Sealed, Sealer, Sign};
use crate::server::pipeline::compress::Compressor;
use crate::server::pipeline::encode::json::JsonTable;
use crate::server::pipeline::redact::{Key, Redactor};
use crate::server::pipeline::{self, Belt, Meter, convey};
use crate::server::rows::{RowSink, Selection, Stopped};
use crate::server::source::{self, Snapshot};

/// Writes the planned file to `out` and seals it. On any error no seal is written.
///
/// # Errors
/// `Stopped` if `meter` is stopped; `StoppedAt` with table and record once tables are being read; `Output` before and
/// after that.
pub fn write<W: Write>(
    snapshot: &mut dyn Snapshot,
    plan: &ExportPlan,
    out: W,
    compression: Compression,
    signer: &dyn Sign,
    meter: &Meter,
) -> Result<(W, Sealed)> {
    let out = Compressor::new(out, compression).map_err(|error| output_error(&error))?;
    let unsealed = Sealer::begin(out, &plan.metadata, Some(signer)).map_err(output)?;
    let written = convey(unsealed, meter, |belt| read_tables(snapshot, plan, belt, meter));
    let (packing, sealed) = written.map_err(|error| explain(error, plan, meter))?;
    let (out, bytes) = packing.finish().map_err(|error| output_error(&error))?;
    // The size of the file as written, after compression.
    Ok((out, Sealed { bytes, ..sealed }))
}

fn read_tables(
    snapshot: &mut dyn Snapshot,
    plan: &ExportPlan,
    belt: &mut Belt<'_>,
    meter: &Meter,
) -> source::Result<()> {
    for (index, selection) in plan.selections.iter().enumerate() {
        meter.begin_table(index);
        let mut table = JsonTable::begin(belt, meter, selection);
        read_redacted(snapshot, selection, &plan.key, &mut table)?;
        let records = table.end();
        belt.close_table(&selection.table, records).map_err(|Stopped| source::Error::Stopped)?;
    }
    Ok(())
}

/// Reads a table, through the redactor if any of its columns is masked or pseudonymised.
fn read_redacted(
    snapshot: &mut dyn Snapshot,
    selection: &Selection,
    key: &Key,
    table: &mut dyn RowSink,
) -> source::Result<()> {
    if Redactor::needed(selection) {
        snapshot.read_table(selection, &mut Redactor::new(table, selection, key))
    } else {
        snapshot.read_table(selection, table)
    }
}

fn explain(error: pipeline::Error<source::Error>, plan: &ExportPlan, meter: &Meter) -> Error {
    if meter.is_stopped() {
        return Error::Stopped;
    }
    let cause = match error {
        pipeline::Error::Read(error) => Error::Source(error),
        pipeline::Error::Seal(error) => output(error),
        pipeline::Error::Panicked => Error::Panicked,
    };
    let Some((index, selection)) = meter.table().and_then(|i| Some((i, plan.selections.get(i)?))) else { return cause };
    let before: u64 = plan.metadata.record_counts.iter().take(index).map(|(_, records)| records).sum();
    let record = meter.records().saturating_sub(before);
    Error::StoppedAt { table: selection.table.clone(), record, cause: Box::new(cause) }
}

/// Turns an error of the sealing writer into one that users understand.
pub(super) fn output(error: seal::Error) -> Error {
    match error {
        seal::Error::Write(error) => output_error(&error),
        seal::Error::Miscounted { found, promised, .. } => Error::Inconsistent(format!(
            "the table gave {} where {} were counted in the same snapshot; the database is damaged or changed beneath us",
            text::counted(found, "record"),
            text::count(promised)
        )),
        seal::Error::OutOfOrder { .. } => Error::Inconsistent(error.to_string()),
    }
}

pub(super) fn output_error_at(path: &Path, error: &io::Error) -> Error {
    Error::Output(format!("{}: {}", path.display(), reason(error)))
}

fn output_error(error: &io::Error) -> Error {
    Error::Output(reason(error))
}

fn reason(error: &io::Error) -> String {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::NotFound => "the output cannot be written: its folder does not exist".into(),
        ErrorKind::NotADirectory | ErrorKind::IsADirectory => {
            "the output cannot be written: a folder stands where a file should, or a file where a folder should".into()
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "the disk is full; make room and try again".into(),
        ErrorKind::FileTooLarge => "the file is larger than the system allows".into(),
        ErrorKind::BrokenPipe => "the program that reads the output has ended".into(),
        ErrorKind::PermissionDenied => "the output may not be written there (permission denied)".into(),
        ErrorKind::ReadOnlyFilesystem => "the output's file system is read-only".into(),
        kind => format!("the output cannot be written ({kind})"),
    }
}
