//! The command line's export: the same plan and writer as `run`, straight to the destination.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tempfile::NamedTempFile;

use super::live::LiveRun;
use super::plan::{ExportRequest, file_name, plan};
use super::request::export_row;
use super::run::{Completed, Written};
use super::write::{output_error_at, write};
use super::{Error, Exports, Result};
use crate::model::export::{Compression, DriftPolicy, ExportId, ExportSummary};
use crate::model::manifest::{Metadata, RecordOrder};
use crate::server::audit::{self, Event};
use crate::server::identity::Caller;
use crate::server::state::{exports, exports::ExportRow};
use crate::server::support::clock::rfc3339;
use crate::server::support::disk::EarlySync;
use crate::server::support::own_folder::is_own;
use crate::server::support::random;

/// Prefix and suffix of temporary files.
const UNFINISHED: (&str, &str) = (".waybill-", ".part");
/// Cleanup spares younger files: they may not be locked yet.
const NEWER_THAN_ITS_LOCK: Duration = Duration::from_mins(1);

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
pub struct Form {
    pub order: RecordOrder,
    pub compression: Compression,
    pub drift: DriftPolicy,
}

/// A finished export of the command line.
#[derive(Debug)]
pub struct ToFile {
    pub metadata: Metadata,
    pub summary: ExportSummary,
    /// None for standard output, a pipe or a device.
    pub path: Option<PathBuf>,
}

impl Exports {
    /// Exports to `destination`. `watch` receives the run, to show its progress or stop it.
    ///
    /// # Errors
    /// `Refused`; `Output` if the destination exists or cannot be written; any error of planning, reading or recording.
    pub async fn to_file(
        self: &Arc<Self>,
        caller: &Caller,
        destination: Destination,
        form: Form,
        watch: impl FnOnce(Arc<LiveRun>),
    ) -> Result<ToFile> {
        self.authorise(caller, "export").await?;
        let now = self.clock.now();
        let id = ExportId(random::uuid(&*self.clock, &*self.random));
        let Form { order, compression, drift } = form;
        let name = file_name(&self.profile, now, compression);
        let target = Target::open(destination, &name)?;
        self.end_killed().await?;
        let _running = self.artifacts.mark_running(id)?;
        let row = export_row(id, caller, "command line", rfc3339(now), name);
        let row = ExportRow { compression, ..row };
        let mut tx = self.state.begin().await?;
        exports::insert(&mut tx, &row).await?;
        let event = Event::ExportRequested { scope: row.scope.clone(), door: row.door.clone() };
        audit::append(&mut tx, &self.entry(&caller.name, Some(id), event)).await?;
        exports::start(&mut tx, id).await?;
        let audit = audit::append(&mut tx, &self.entry(&caller.name, Some(id), Event::ExportStarted)).await?;
        tx.commit().await?;

        let live = self.live.begin(id, 0);
        watch(live.clone());
        let request =
            ExportRequest { id, order, exported_by: caller.name.clone(), audit, at: now, key: self.new_key(), drift };
        let (exports, run) = (self.clone(), live.clone());
        let writing = tokio::task::spawn_blocking(move || exports.write_target(&request, compression, &run, target));
        let written = writing.await.unwrap_or(Err(Error::Panicked));
        self.live.end(id);
        self.record_written(caller, id, &live, written).await
    }

    /// Reads, encodes and seals, then gives the file its final name. Blocks.
    fn write_target(
        &self,
        request: &ExportRequest,
        compression: Compression,
        live: &LiveRun,
        target: Target,
    ) -> Result<(Metadata, Written, Option<PathBuf>)> {
        let mut snapshot = self.source.begin_snapshot(&|interrupt| live.is_interrupted_by(interrupt))?;
        let plan = plan(request, &*self.source, &mut *snapshot, &self.profile, &live.meter)?;
        let tables = plan.selections.iter().map(|selection| selection.table.clone()).collect();
        let _ = live.planned.set((tables, plan.metadata.total_records));
        let (target, sealed) = write(&mut *snapshot, &plan, target, compression, &*self.signing_key, &live.meter)?;
        let path = target.appear()?;
        Ok((plan.metadata.clone(), Written::of(plan, sealed), path))
    }

    async fn record_written(
        &self,
        caller: &Caller,
        id: ExportId,
        live: &LiveRun,
        written: Result<(Metadata, Written, Option<PathBuf>)>,
    ) -> Result<ToFile> {
        let duration_ms = live.elapsed_ms();
        match written {
            Ok((metadata, written, path)) => {
                let completed = Completed { written, duration_ms, expires_at: None, artifact: None };
                let summary = self.record_completion(id, &caller.name, completed).await?;
                Ok(ToFile { metadata, summary, path })
            }
            Err(error) => {
                let cancelled = live.stopped().is_some();
                let failure = (!cancelled).then(|| self.failure(&error.to_string(), &error));
                let mut tx = self.state.begin().await?;
                exports::end_without_file(&mut tx, id, failure.as_ref(), Some(duration_ms)).await?;
                let event = failure.map_or(Event::ExportCancelled, |failure| Event::ExportFailed { failure });
                audit::append(&mut tx, &self.entry(&caller.name, Some(id), event)).await?;
                tx.commit().await?;
                Err(error)
            }
        }
    }
}

/// An opened destination.
enum Target {
    StandardOutput(io::Stdout),
    /// A pipe or a device: written directly, nothing to rename.
    Special(std::fs::File),
    File {
        file: NamedTempFile,
        sync: EarlySync,
        path: PathBuf,
        replace: bool,
    },
}

impl Target {
    fn open(destination: Destination, name: &str) -> Result<Self> {
        let (path, replace) = match destination {
            Destination::StandardOutput => return Ok(Self::StandardOutput(io::stdout())),
            Destination::File { path, replace } => (path, replace),
            Destination::Folder { path, replace } => (path.join(name), replace),
        };
        let there = path.metadata().ok();
        if there.as_ref().is_some_and(|there| !there.is_file() && !there.is_dir()) {
            let special = std::fs::OpenOptions::new().write(true).open(&path);
            return special.map(Self::Special).map_err(|error| output_error_at(&path, &error));
        }
        if !replace && path.symlink_metadata().is_ok() {
            return Err(Error::Output(format!("{} exists; choose another name or add --force", path.display())));
        }
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        remove_abandoned(folder);
        let file = tempfile::Builder::new().prefix(UNFINISHED.0).suffix(UNFINISHED.1).tempfile_in(folder);
        let file = file.map_err(|error| output_error_at(&path, &error))?;
        // Shared lock held while writing; cleanup removes unlocked files only. Where the file system has no locks,
        // cleanup removes nothing.
        let _ = file.as_file().try_lock_shared();
        let sync = EarlySync::of(file.as_file()).map_err(|error| output_error_at(&path, &error))?;
        Ok(Self::File { file, sync, path, replace })
    }

    /// Syncs the file and renames it to its final name; a failure leaves nothing behind.
    fn appear(self) -> Result<Option<PathBuf>> {
        let Self::File { file, sync, path, replace } = self else { return Ok(None) };
        sync.finish().map_err(|error| output_error_at(&path, &error))?;
        let kept = if replace { file.persist(&path) } else { file.persist_noclobber(&path) };
        kept.map_err(|error| match error.error.kind() {
            io::ErrorKind::AlreadyExists => {
                Error::Output(format!("{} has appeared meanwhile; choose another name or add --force", path.display()))
            }
            _ => output_error_at(&path, &error.error),
        })?;
        Ok(Some(path))
    }
}

/// Removes temporary files of killed exports: they hold personal data, and nothing else removes them. A file
/// that a live process is writing is locked, or too new to be locked yet.
fn remove_abandoned(folder: &Path) {
    let Ok(entries) = folder.read_dir() else { return };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        if is_unfinished(&path) && is_abandoned(&path).unwrap_or(false) {
            let _ = std::fs::remove_file(&path);
        }
    }
}

/// Whether the name is one that Waybill gives: prefix, six letters or digits, suffix.
fn is_unfinished(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let drawn = name.strip_prefix(UNFINISHED.0).and_then(|rest| rest.strip_suffix(UNFINISHED.1));
    drawn.is_some_and(|drawn| drawn.len() == 6 && drawn.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// Whether the file is ours and no process writes it. Follows no symbolic link and never blocks on a pipe.
fn is_abandoned(path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::OpenOptionsExt;
    let file = std::fs::OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path)?;
    let there = file.metadata()?;
    if !there.is_file() || !is_own(&there) {
        return Ok(false);
    }
    let age = file.metadata()?.modified()?.elapsed().unwrap_or_default();
    Ok(age > NEWER_THAN_ITS_LOCK && file.try_lock().is_ok())
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            // Locked anew for each write: nothing else writes to it, and chunks are large.
            Self::StandardOutput(out) => out.write(bytes),
            Self::Special(file) => file.write(bytes),
            Self::File { file, sync, .. } => {
                let written = file.write(bytes)?;
                sync.wrote(written);
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
