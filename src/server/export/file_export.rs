//! The command line's export: the same plan and writer as `run`, straight to the destination.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tempfile::NamedTempFile;

use super::plan::{RunContext, file_name, plan};
use super::request::new_export_row;
use super::run::{CompletedExport, WrittenExport};
use super::running::RunningExport;
use super::write::{output_error_for, write};
use super::{Error, Exports, Result};
use crate::model::channel::Channel;
use crate::model::export::{DriftPolicy, ExportId, ExportSummary};
use crate::model::manifest::{Metadata, RecordOrder};
use crate::model::output::{Compression, Output};
use crate::server::audit::{self, Event};
use crate::server::identity::Caller;
use crate::server::state::{exports, exports::ExportRow};
use crate::server::support::clock::rfc3339;
use crate::server::support::disk::BackgroundSync;
use crate::server::support::private_folder::is_owned_by_process_user;
use crate::server::support::random;

/// Prefix and suffix of temporary files.
const TEMPORARY_AFFIXES: (&str, &str) = (".waybill-", ".part");
/// Cleanup spares younger files: they may not be locked yet.
const LOCK_GRACE_PERIOD: Duration = Duration::from_mins(1);

/// Where an export is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    StandardOutput,
    /// A file that appears under its name only when it is complete.
    File {
        path: PathBuf,
        /// Whether an existing file may be replaced.
        replace: bool,
    },
    /// A folder; the profile names the file.
    Folder {
        path: PathBuf,
        replace: bool,
    },
}

/// Record order, compression and drift policy of an export.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExportRequest {
    pub order: RecordOrder,
    pub compression: Compression,
    pub drift: DriftPolicy,
}

/// A finished export of the command line.
#[derive(Debug)]
pub struct FileExport {
    pub metadata: Metadata,
    pub summary: ExportSummary,
    /// None for standard output, a pipe or a device.
    pub path: Option<PathBuf>,
}

impl Exports {
    /// Exports to `destination`. `on_start` receives the run, to show its progress or stop it.
    ///
    /// # Errors
    /// `Forbidden`; `Output` if the destination exists or cannot be written; any error of planning, reading or recording.
    pub async fn export_to_file(
        self: &Arc<Self>,
        caller: &Caller,
        destination: Destination,
        request: ExportRequest,
        on_start: impl FnOnce(Arc<RunningExport>),
    ) -> Result<FileExport> {
        self.authorise(caller, "export").await?;
        let now = self.clock.now();
        let id = ExportId(random::new_uuid_v7(&*self.clock, &*self.random));
        let ExportRequest { order, compression, drift } = request;
        let name = file_name(&self.profile, now, compression);
        let target = OpenDestination::open(destination, &name)?;
        self.fail_killed_runs().await?;
        let _running = self.artifacts.lock_command_line_run(id)?;
        let row = new_export_row(id, caller, Channel::CommandLine, rfc3339(now), name);
        let row = ExportRow { compression, ..row };
        let mut tx = self.state.begin().await?;
        exports::insert(&mut tx, &row).await?;
        let event = Event::ExportRequested { scope: row.scope.clone(), channel: row.channel };
        audit::append(&mut tx, &self.audit_entry(&caller.name, Some(id), event)).await?;
        exports::mark_running(&mut tx, id).await?;
        let audit_head =
            audit::append(&mut tx, &self.audit_entry(&caller.name, Some(id), Event::ExportStarted)).await?;
        tx.commit().await?;

        let running = self.running.register(id, 0);
        on_start(running.clone());
        let context = RunContext {
            id,
            order,
            exported_by: caller.name.clone(),
            audit_head,
            exported_at: now,
            pseudonym_key: self.new_pseudonym_key(),
            drift,
        };
        let (exports, run) = (self.clone(), running.clone());
        let write_task =
            tokio::task::spawn_blocking(move || exports.write_destination(&context, compression, &run, target));
        let written = write_task.await.unwrap_or(Err(Error::Panicked));
        self.running.remove(id);
        self.record_file_export(caller, id, &running, written).await
    }

    /// Reads, encodes and seals, then gives the file its final name. Blocks.
    fn write_destination(
        &self,
        context: &RunContext,
        compression: Compression,
        running: &RunningExport,
        target: OpenDestination,
    ) -> Result<(Metadata, WrittenExport, Option<PathBuf>)> {
        let mut snapshot = self.source.begin_snapshot(&|interrupt| running.attach_interrupt(interrupt))?;
        let plan = plan(context, &*self.source, &mut *snapshot, &self.profile, &running.cancellation)?;
        let tables = plan.scans.iter().map(|scan| scan.table.clone()).collect();
        let _ = running.planned.set((tables, plan.metadata.total_records));
        let (target, sealed) = write(
            &mut *snapshot,
            &plan,
            target,
            Output::document(compression),
            &*self.signing_key,
            &running.progress,
            &running.cancellation,
        )?;
        let path = target.persist()?;
        Ok((plan.metadata.clone(), WrittenExport::new(plan, sealed), path))
    }

    async fn record_file_export(
        &self,
        caller: &Caller,
        id: ExportId,
        running: &RunningExport,
        written: Result<(Metadata, WrittenExport, Option<PathBuf>)>,
    ) -> Result<FileExport> {
        let duration_ms = running.elapsed_ms();
        match written {
            Ok((metadata, written, path)) => {
                let completed = CompletedExport { written, duration_ms, expires_at: None, artifact: None };
                let summary = self.record_completion(id, &caller.name, completed).await?;
                Ok(FileExport { metadata, summary, path })
            }
            Err(error) => {
                let cancelled = running.stop_reason().is_some();
                let failure = (!cancelled).then(|| self.log_failure(&error.to_string(), &error));
                let mut tx = self.state.begin().await?;
                exports::end_without_file(&mut tx, id, failure.as_ref(), Some(duration_ms)).await?;
                let event = failure.map_or(Event::ExportCancelled, |failure| Event::ExportFailed { failure });
                audit::append(&mut tx, &self.audit_entry(&caller.name, Some(id), event)).await?;
                tx.commit().await?;
                Err(error)
            }
        }
    }
}

/// An opened destination.
enum OpenDestination {
    StandardOutput(io::Stdout),
    /// A pipe or a device: written directly, nothing to rename.
    Special(std::fs::File),
    File {
        file: NamedTempFile,
        sync: BackgroundSync,
        path: PathBuf,
        replace: bool,
    },
}

impl OpenDestination {
    fn open(destination: Destination, name: &str) -> Result<Self> {
        let (path, replace) = match destination {
            Destination::StandardOutput => return Ok(Self::StandardOutput(io::stdout())),
            Destination::File { path, replace } => (path, replace),
            Destination::Folder { path, replace } => (path.join(name), replace),
        };
        let existing = path.metadata().ok();
        if existing.as_ref().is_some_and(|there| !there.is_file() && !there.is_dir()) {
            let special = std::fs::OpenOptions::new().write(true).open(&path);
            return special.map(Self::Special).map_err(|error| output_error_for(&path, &error));
        }
        if !replace && path.symlink_metadata().is_ok() {
            return Err(Error::Output(format!("{} exists; choose another name or add --force", path.display())));
        }
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        remove_stale_temporary_files(folder);
        let file = tempfile::Builder::new().prefix(TEMPORARY_AFFIXES.0).suffix(TEMPORARY_AFFIXES.1).tempfile_in(folder);
        let file = file.map_err(|error| output_error_for(&path, &error))?;
        // Shared lock held while writing; cleanup removes unlocked files only. Where the file system has no locks,
        // cleanup removes nothing.
        let _ = file.as_file().try_lock_shared();
        let sync = BackgroundSync::new(file.as_file()).map_err(|error| output_error_for(&path, &error))?;
        Ok(Self::File { file, sync, path, replace })
    }

    /// Syncs the file and renames it to its final name; a failure leaves nothing behind.
    fn persist(self) -> Result<Option<PathBuf>> {
        let Self::File { file, sync, path, replace } = self else { return Ok(None) };
        sync.finish().map_err(|error| output_error_for(&path, &error))?;
        let persisted = if replace { file.persist(&path) } else { file.persist_noclobber(&path) };
        persisted.map_err(|error| match error.error.kind() {
            io::ErrorKind::AlreadyExists => Error::Output(format!(
                "{} was created in the meantime; choose another name or add --force",
                path.display()
            )),
            _ => output_error_for(&path, &error.error),
        })?;
        Ok(Some(path))
    }
}

/// Removes temporary files of killed exports: they hold personal data, and nothing else removes them. A file
/// that a live process is writing is locked, or too new to be locked yet.
fn remove_stale_temporary_files(folder: &Path) {
    let Ok(entries) = folder.read_dir() else { return };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        if is_temporary_name(&path) && is_stale(&path).unwrap_or(false) {
            let _ = std::fs::remove_file(&path);
        }
    }
}

/// Whether the name is one that Waybill gives: prefix, six letters or digits, suffix.
fn is_temporary_name(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let random_part = name.strip_prefix(TEMPORARY_AFFIXES.0).and_then(|rest| rest.strip_suffix(TEMPORARY_AFFIXES.1));
    random_part.is_some_and(|drawn| drawn.len() == 6 && drawn.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// Whether the file is ours and no process writes it. Follows no symbolic link and never blocks on a pipe.
fn is_stale(path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::OpenOptionsExt;
    let file = std::fs::OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() || !is_owned_by_process_user(&metadata) {
        return Ok(false);
    }
    let age = file.metadata()?.modified()?.elapsed().unwrap_or_default();
    Ok(age > LOCK_GRACE_PERIOD && file.try_lock().is_ok())
}

impl Write for OpenDestination {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            // Locked anew for each write: nothing else writes to it, and chunks are large.
            Self::StandardOutput(out) => out.write(bytes),
            Self::Special(file) => file.write(bytes),
            Self::File { file, sync, .. } => {
                let written = file.write(bytes)?;
                sync.record_written(written);
                Ok(written)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::StandardOutput(out) => out.flush(),
            Self::Special(file) => file.flush(),
            Self::File { file, .. } => file.flush(),
        }
    }
}
