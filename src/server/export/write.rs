//! Writes one snapshot into one sealed file. Shared by page and command line; blocks.

use std::io::{self, Write};
use std::path::Path;

use tokio_util::sync::CancellationToken;

use super::plan::ExportPlan;
use super::{Error, Result};
use crate::model::output::Output;
use crate::model::text;
use crate::seal::{self, DocumentSummary, SealSigner};
use crate::server::pipeline::container::{self, ContainerWriter};
use crate::server::pipeline::encode::{self, Encoder};
use crate::server::pipeline::redact::{PseudonymKey, Redactor};
use crate::server::pipeline::{self, ChunkWriter, FillColumns, ProgressCounter, run_pipeline};
use crate::server::profile::PlannedTable;
use crate::server::rows::{RowSink, Scan, Stopped};
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
    output: Output,
    signer: &dyn SealSigner,
    progress: &ProgressCounter,
    cancellation: &CancellationToken,
) -> Result<(W, DocumentSummary)> {
    let container = container::open(out, output, &plan.metadata, Some(signer)).map_err(container_error)?;
    let new_encoder = |chunks| encode::by_format(output.format, chunks, progress);
    write_tables(snapshot, plan, container, new_encoder, progress, cancellation)
}

/// Writes all tables in whatever form encoder and container give them.
fn write_tables<'p, W>(
    snapshot: &mut dyn Snapshot,
    plan: &ExportPlan,
    container: Box<dyn ContainerWriter<W> + '_>,
    new_encoder: impl FnOnce(ChunkWriter) -> Box<dyn Encoder + 'p> + Send,
    progress: &ProgressCounter,
    cancellation: &CancellationToken,
) -> Result<(W, DocumentSummary)> {
    let written = run_pipeline(container, progress, cancellation, |chunks| {
        read_tables(snapshot, plan, &mut *new_encoder(chunks), progress)
    });
    written.map_err(|error| match error {
        // All tables are written: there is no position to name.
        pipeline::Error::Container(error @ container::Error::Compress(_)) => container_error(error),
        _ if cancellation.is_cancelled() => Error::Stopped,
        error => with_position(error, plan, progress),
    })
}

fn read_tables(
    snapshot: &mut dyn Snapshot,
    plan: &ExportPlan,
    encoder: &mut dyn Encoder,
    progress: &ProgressCounter,
) -> source::Result<()> {
    let stopped = |Stopped| source::Error::sink_stopped();
    for (index, planned) in plan.tables.iter().enumerate() {
        progress.set_table(index);
        encoder.begin_table(&planned.scan).map_err(stopped)?;
        read_redacted(snapshot, planned, &plan.pseudonym_key, encoder)?;
        let records = encoder.end_table().map_err(stopped)?;
        encoder.out().end_table(planned.scan.table.clone(), records).map_err(stopped)?;
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
    let PlannedTable { scan, stubs, treatments, .. } = planned;
    if Redactor::is_needed(treatments) {
        read_rows(snapshot, scan, stubs.as_ref(), &mut Redactor::new(table, &scan.columns, treatments, key))
    } else {
        read_rows(snapshot, scan, stubs.as_ref(), table)
    }
}

/// Reads the rows of a table, and then its stubs, as wide as the others.
fn read_rows(
    snapshot: &mut dyn Snapshot,
    scan: &Scan,
    stubs: Option<&Scan>,
    table: &mut dyn RowSink,
) -> source::Result<()> {
    snapshot.read_table(scan, table)?;
    match stubs {
        Some(stubs) => snapshot.read_table(stubs, &mut FillColumns::new(table, &scan.columns, &stubs.columns)),
        None => Ok(()),
    }
}

fn with_position(error: pipeline::Error<source::Error>, plan: &ExportPlan, progress: &ProgressCounter) -> Error {
    let cause = match error {
        pipeline::Error::Read(error) => Error::Source(error),
        pipeline::Error::Container(error) => container_error(error),
        pipeline::Error::Panicked => Error::Panicked,
    };
    let Some((index, planned)) = progress.table_index().and_then(|i| Some((i, plan.tables.get(i)?))) else {
        return cause;
    };
    let before: u64 = plan.metadata.record_counts.iter().take(index).map(|(_, records)| records).sum();
    let record = progress.records().saturating_sub(before);
    Error::StoppedAt { table: planned.scan.table.clone(), record, cause: Box::new(cause) }
}

/// Turns an error of the container into one that users understand.
pub(super) fn container_error(error: container::Error) -> Error {
    match error {
        container::Error::Compress(error) => output_error(&error),
        container::Error::Seal(error) => seal_error(error),
    }
}

fn seal_error(error: seal::Error) -> Error {
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

pub(super) fn output_error(error: &io::Error) -> Error {
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

#[cfg(test)]
mod tests {
    use rusqlite::Connection;
    use tempfile::TempDir;

    use super::*;
    use crate::model::export::ExportId;
    use crate::model::manifest::AuditHead;
    use crate::model::name::TableName;
    use crate::server::export::ExportRequest;
    use crate::server::export::plan::{RunContext, plan};
    use crate::server::pipeline::progress::RecordCounter;
    use crate::server::profile::Profile;
    use crate::server::rows::Value;
    use crate::server::source::Source;
    use crate::server::source::sqlite::SqliteSource;
    use crate::server::support::clock::{Clock, SystemClock};

    /// Writes `table: values` for each table, and nothing of its rows.
    struct CountingEncoder<'p> {
        out: ChunkWriter,
        table: String,
        values: u64,
        records: RecordCounter<'p>,
    }

    impl RowSink for CountingEncoder<'_> {
        fn push_value(&mut self, _: Value<'_>) -> std::result::Result<(), Stopped> {
            self.values += 1;
            Ok(())
        }

        fn end_row(&mut self) -> std::result::Result<(), Stopped> {
            self.records.add();
            self.out.flush_if_full()
        }
    }

    impl Encoder for CountingEncoder<'_> {
        fn begin_table(&mut self, scan: &Scan) -> std::result::Result<(), Stopped> {
            (self.table, self.values) = (scan.table.to_string(), 0);
            Ok(())
        }

        fn end_table(&mut self) -> std::result::Result<u64, Stopped> {
            writeln!(self.out.buffer(), "{}: {}", self.table, self.values).unwrap();
            Ok(self.records.end_table())
        }

        fn out(&mut self) -> &mut ChunkWriter {
            &mut self.out
        }

        fn separator_bytes(&self) -> usize {
            0
        }
    }

    /// Keeps the tables' bytes in brackets, without any frame.
    #[derive(Default)]
    struct Brackets(Vec<u8>);

    impl ContainerWriter<String> for Brackets {
        fn write(&mut self, bytes: &[u8]) -> std::result::Result<(), container::Error> {
            self.0.extend_from_slice(bytes);
            Ok(())
        }

        fn end_table(&mut self, table: TableName, records: u64) -> std::result::Result<(), container::Error> {
            writeln!(self.0, "[{table}: {records}]").unwrap();
            Ok(())
        }

        fn finish(self: Box<Self>) -> std::result::Result<(String, DocumentSummary), container::Error> {
            let bytes = self.0.len() as u64;
            let sealed = DocumentSummary { records: 0, tables: 0, bytes, sha256: String::new() };
            Ok((String::from_utf8(self.0).unwrap(), sealed))
        }
    }

    fn source() -> (TempDir, SqliteSource) {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("shop.db");
        let database = Connection::open(&path).unwrap();
        database
            .execute_batch(
                "CREATE TABLE shops (id INTEGER PRIMARY KEY, name TEXT);
                 CREATE TABLE sales (id INTEGER PRIMARY KEY, shop_id INTEGER REFERENCES shops (id), price REAL);
                 CREATE TABLE wages (id INTEGER PRIMARY KEY);
                 INSERT INTO shops VALUES (1, 'North'), (2, 'South');
                 WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 1000)
                 INSERT INTO sales SELECT x, 1 + x % 2, x / 4.0 FROM n;",
            )
            .unwrap();
        (folder, SqliteSource::new(path))
    }

    fn shop_profile() -> Profile {
        let text = "name = \"shop\"\n\
            [tables.shops]\ncolumns.id = \"plain\"\ncolumns.name = \"plain\"\n\
            [tables.sales]\ncolumns.id = \"plain\"\ncolumns.shop_id = \"plain\"\ncolumns.price = \"plain\"\n\
            [tables.wages]\ncolumns.id = \"plain\"\n";
        Profile::from_toml(text).unwrap()
    }

    fn context() -> RunContext {
        RunContext {
            request: ExportRequest::default(),
            id: ExportId(uuid::Uuid::nil()),
            exported_by: "cli:test".into(),
            audit_head: AuditHead::default(),
            exported_at: SystemClock.now(),
            pseudonym_key: PseudonymKey::new([1; 32]),
        }
    }

    /// Writes the shop's tables with `CountingEncoder`.
    fn write_counts<W>(
        open: impl FnOnce(&ExportPlan) -> Box<dyn ContainerWriter<W>>,
        progress: &ProgressCounter,
    ) -> (W, DocumentSummary) {
        let (_folder, source) = source();
        let cancellation = CancellationToken::new();
        let mut snapshot = source.open_snapshot().unwrap();
        let plan = plan(&context(), &source, &mut *snapshot, &shop_profile(), &cancellation).unwrap();
        let new_encoder = |out| {
            let records = RecordCounter::new(progress);
            Box::new(CountingEncoder { out, table: String::new(), values: 0, records }) as Box<dyn Encoder>
        };
        write_tables(&mut *snapshot, &plan, open(&plan), new_encoder, progress, &cancellation).unwrap()
    }

    #[test]
    fn any_encoder_and_any_container_write_an_export() {
        let progress = ProgressCounter::default();
        let (text, _) = write_counts(|_| Box::new(Brackets::default()), &progress);
        assert_eq!(text, "shops: 4\n[shops: 2]\nsales: 3000\n[sales: 1000]\nwages: 0\n[wages: 0]\n");
        assert_eq!((progress.records(), progress.table_index()), (1002, Some(2)));
    }

    #[test]
    fn a_document_seals_whatever_its_encoder_writes() {
        let open = |plan: &ExportPlan| container::open(Vec::new(), Output::default(), &plan.metadata, None).unwrap();
        let (bytes, sealed) = write_counts(open, &ProgressCounter::default());
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.contains("\"data\":{\nshops: 4\n],\nsales: 3000\n],\nwages: 0\n]\n},\n\"integrity\":"), "{text}");
        assert_eq!((sealed.records, sealed.tables, sealed.bytes), (1002, 3, text.len() as u64));
    }
}
