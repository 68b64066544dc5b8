//! Puts the records of a sealed file into a database: the mirror of `export`.
//!
//! Flow: `check_file` checks seal and signature; `plan` compares the file with the target and refuses what would lose data or
//! fail; `write` reads the file a second time, decodes its records and fills the target in one transaction, which a dry run does
//! not commit. Nothing is visible to others before the commit, and nothing is left of an import that fails.

mod archive_run;
mod change_groups;
mod changes;
mod check_created;
mod check_file;
mod choices;
mod conflicts;
mod conversion;
mod copied_tables;
mod error;
mod filled_columns;
mod find_removals;
mod import_file;
mod matches;
mod merge_rules;
mod organization_copy;
mod outcome;
mod own_data;
mod page;
mod part;
mod person;
mod plan;
mod plan_columns;
mod plan_file;
mod planned_changes;
mod readings;
mod record_decoding;
mod record_writer;
mod removal;
mod removal_keys;
mod request;
mod row_batch;
mod running;
mod selected_names;
mod stale_plan;
mod table_import;
mod target_tables;
mod undo;
mod upload;
mod value_rules;
mod verified_content;
mod write;

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use tempfile::NamedTempFile;

pub use conflicts::how_to_decide;
pub use error::{Error, Result};
pub use own_data::{OwnImport, own_scope};
pub use page::ImportPage;
pub use planned_changes::{PlanFile, has_key, parse_change};
pub use request::{ExpectedPlan, ImportRequest, PartRequest, PersonRequest, StillAllowed};
pub use running::Running;
pub use upload::{Upload, UploadSlot, Uploads};

use self::changes::RecordedChanges;
use self::check_file::CheckedFile;
use self::conversion::IdChanges;
use self::import_file::ImportFile;
use self::plan_file::{PlanOrigin, write_plan};
use self::record_writer::Progress;
use self::write::{Imported, Importing};
use crate::model::access::{Capability, Scope, SourceLabel};
use crate::model::import::{TableEffect, TablePolicies, TablePolicy};
use crate::model::import_page::RunningWork;
use crate::model::import_plan::ImportPlanHead;
use crate::model::import_report::ImportReport;
use crate::model::selection::Selection;
use crate::model::text;
use crate::server::audit::{Event, Journal};
use crate::server::identity::{self, Caller};
use crate::server::profile::Profile;
use crate::server::signing::{PublicKeys, SigningKey};
use crate::server::source::Target;
pub use crate::server::source::{Purpose, UndoRequest};
use crate::server::state;
use crate::server::support::atomic_file::{self, IfExists};
use crate::server::support::clock::{Clock, rfc3339};
use crate::server::support::random::{Random, new_uuid_v7};

/// More of the reason for a failure is not kept.
const MAX_REASON_CHARS: usize = 200;

/// Imports into one database.
pub struct Imports {
    pub target: Arc<dyn Target>,
    /// How the engine identifies it.
    pub target_id: String,
    pub target_label: SourceLabel,
    /// Its address, without a password.
    pub target_name: String,
    pub running: Running,
    pub signing_key: Arc<SigningKey>,
    pub clock: Arc<dyn Clock>,
    pub profile: Arc<Profile>,
    pub trusted_keys: PublicKeys,
    pub journal: Journal,
    pub random: Arc<dyn Random>,
    pub uploads: Uploads,
    /// The same of people who import into their own data only, and where the application keeps their files.
    pub own_uploads: Uploads,
    pub media_folder: Option<PathBuf>,
}

impl Imports {
    /// Puts the file's records into the database, all of them or none. `on_progress` gets the number of records so far.
    ///
    /// # Errors
    /// `Forbidden`; `NotIntact` or `NotTrusted` for the file; `Refused` with everything that file and database disagree on;
    /// `Target` if the database does not take a record; `Uncertain` if the connection broke at the very end.
    pub async fn import_file(
        self: &Arc<Self>,
        caller: &Caller,
        file: File,
        request: ImportRequest,
        still_allowed: StillAllowed,
        on_progress: impl Fn(u64) + Send + Sync + 'static,
    ) -> Result<ImportReport> {
        let (capability, scope) = (Capability::ImportDatabase, Scope::WholeDatabase);
        identity::authorise::<Error>(&self.journal, caller, capability, &scope, "import a file").await?;
        for path in request.plan_output.iter().chain(&request.id_map_output) {
            check_output(path)?;
        }
        let Imported { report, plan, id_changes } =
            self.run(caller, file, &request, still_allowed, on_progress).await?;
        if let (Some(path), Some(plan)) = (request.plan_output, plan) {
            self.save_plan(caller, path, plan, report.signed_by.clone()).await?;
        }
        if let (Some(path), Some(ids)) = (request.id_map_output, id_changes) {
            blocking(move || save_id_map(&path, ids)).await?;
        }
        Ok(report)
    }

    /// Finds out what an import of the file would do to each record, and writes the plan to `out`.
    ///
    /// # Errors
    /// As `import_file`.
    pub async fn plan_file(
        self: &Arc<Self>,
        caller: &Caller,
        file: File,
        request: ImportRequest,
        out: File,
        on_progress: impl Fn(u64) + Send + Sync + 'static,
    ) -> Result<File> {
        let (capability, scope) = (Capability::ImportDatabase, Scope::WholeDatabase);
        identity::authorise::<Error>(&self.journal, caller, capability, &scope, "plan an import").await?;
        let request = ImportRequest { dry_run: true, ..request };
        let imported = self.run(caller, file, &request, Box::new(|| Ok(())), on_progress).await?;
        self.write_planned(caller, imported, out).await
    }

    /// Records a plan, and writes it to `out`.
    async fn write_planned(&self, caller: &Caller, imported: Imported, mut out: File) -> Result<File> {
        let Imported { report, plan, .. } = imported;
        let (head, mut changes) = plan.ok_or(Error::NoPlan)?;
        let origin = self.record_plan(caller, &head, report.signed_by).await?;
        let signing_key = self.signing_key.clone();
        let write = move || {
            write_plan(BufWriter::new(&mut out), &head, origin, &mut changes, &*signing_key).map_err(Error::Plan)?;
            Ok(out)
        };
        blocking(write).await
    }

    /// Runs an import that the caller may do, and records how it ends.
    async fn run(
        self: &Arc<Self>,
        caller: &Caller,
        file: File,
        request: &ImportRequest,
        still_allowed: StillAllowed,
        on_progress: impl Fn(u64) + Send + Sync + 'static,
    ) -> Result<Imported> {
        let started = Instant::now();
        let plan_file = self.open_plan(caller, request).await?;
        let (imports, accept_unsigned, is_archive) = (self.clone(), request.accept_unsigned, request.person.is_some());
        let check = move || ImportFile::check(file, is_archive, &imports.trusted_keys, accept_unsigned);
        let file = blocking(check).await;
        if let Err(Error::NotTrusted(_)) = &file {
            identity::refuse(&self.journal, caller, "import a file that no trusted key has signed").await?;
        }
        let file = file?;
        if let Some(plan) = &plan_file {
            stale_plan::check_import(&plan.head, &file.checked().sha256, request.mode, &self.target_id)?;
        }
        let id = new_uuid_v7(&*self.clock, &*self.random).simple().to_string();
        let _running = (!request.dry_run).then(|| self.running.begin(self.work_of(caller, false)));
        if !request.dry_run {
            self.record(caller, self.started_event(file.checked(), request, &id)).await?;
        }
        let (imports, asked) = (self.clone(), request.clone());
        let progress: Progress = Box::new(on_progress);
        let written = blocking(move || {
            let Imports { target, target_id, profile, random, .. } = &*imports;
            let (target, random, request) = (&**target, &**random, &asked);
            let (still_allowed, running, id) = (&still_allowed, &imports.running, &id);
            let importing = Importing {
                target,
                profile,
                random,
                request,
                plan_file,
                id,
                target_id,
                still_allowed,
                running,
                progress,
            };
            importing.run(&file)
        });
        let written = written.await.map(|Imported { report, plan, id_changes }| {
            let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            Imported { report: ImportReport { duration_ms, ..report }, plan, id_changes }
        });
        if request.dry_run {
            return written;
        }
        if let Err(error) = self.record(caller, ended_event(&written)).await {
            tracing::error!(%error, "the end of an import could not be recorded");
            // What has become of the records matters more.
            return written.and_then(|_| Err(Error::NotRecorded(error)));
        }
        written
    }

    /// The file of the plan that is expected, if it was given.
    async fn open_plan(self: &Arc<Self>, caller: &Caller, request: &ImportRequest) -> Result<Option<PlanFile>> {
        let Some(expected) = request.expected_plan.clone() else { return Ok(None) };
        let (imports, accept_unsigned) = (self.clone(), request.accept_unsigned);
        let opened = blocking(move || expected.open(&imports.trusted_keys, accept_unsigned)).await;
        if let Err(Error::ExpectedPlan { cause, .. }) = &opened
            && matches!(**cause, Error::NotTrusted(_))
        {
            identity::refuse(&self.journal, caller, "use a plan that no trusted key has signed").await?;
        }
        opened
    }

    /// Writes a plan to a new file that nobody else can read.
    async fn save_plan(
        &self,
        caller: &Caller,
        path: PathBuf,
        (head, mut changes): (ImportPlanHead, RecordedChanges),
        signed_by: Option<String>,
    ) -> Result<()> {
        let origin = self.record_plan(caller, &head, signed_by).await?;
        let signing_key = self.signing_key.clone();
        blocking(move || {
            let write = || -> io::Result<()> {
                let mut file = NamedTempFile::new_in(atomic_file::folder_of(&path))?;
                write_plan(BufWriter::new(file.as_file_mut()), &head, origin, &mut changes, &*signing_key)?;
                file.as_file().sync_all()?;
                atomic_file::rename(file.into_temp_path(), &path, IfExists::Fail)
            };
            write().map_err(|cause| Error::PlanOutput { path: path.clone(), cause })
        })
        .await
    }

    /// Records that there is a plan, before anybody can read it.
    async fn record_plan(
        &self,
        caller: &Caller,
        head: &ImportPlanHead,
        signed_by: Option<String>,
    ) -> Result<PlanOrigin> {
        let planned = Event::ImportPlanned {
            plan: head.hash.clone(),
            sha256: head.file_sha256.clone(),
            export_id: head.file_export_id.clone(),
            mode: head.mode,
            policies: policies_text(&head.policies, None),
            part: head.part.as_ref().map(ToString::to_string),
            signed_by,
        };
        self.record(caller, planned).await?;
        Ok(PlanOrigin {
            planned_at: rfc3339(self.clock.now()),
            planned_by: caller.actor().name.to_owned(),
            id: new_uuid_v7(&*self.clock, &*self.random),
            target: self.target_label.clone(),
        })
    }

    fn started_event(&self, file: &CheckedFile, request: &ImportRequest, id: &str) -> Event {
        let metadata = &file.verified.metadata;
        Event::ImportStarted {
            import: id.to_owned(),
            sha256: file.sha256.clone(),
            export_id: metadata.export_id.clone(),
            selection: Selection::of_applied(&metadata.filters_applied).unwrap_or_default().lines(),
            profile: self.profile.name.clone(),
            mode: request.mode,
            policies: policies_text(&request.policies, request.policy),
            part: request.what(),
            signed_by: file.signed_by.clone(),
        }
    }

    fn work_of(&self, caller: &Caller, is_undo: bool) -> RunningWork {
        RunningWork { is_undo, by: caller.actor().name.to_owned(), since: rfc3339(self.clock.now()) }
    }

    async fn record(&self, caller: &Caller, event: Event) -> state::Result<()> {
        self.journal.commit(self.journal.begin().await?, caller.actor(), event).await
    }
}

/// Before anything is read: an import may take minutes.
fn check_output(path: &Path) -> Result<()> {
    let kind = if path.symlink_metadata().is_ok() {
        io::ErrorKind::AlreadyExists
    } else if !atomic_file::folder_of(path).is_dir() {
        io::ErrorKind::NotADirectory
    } else {
        return Ok(());
    };
    Err(Error::PlanOutput { path: path.to_owned(), cause: kind.into() })
}

/// Writes the ids to a new file that nobody else can read.
fn save_id_map(path: &Path, ids: IdChanges) -> Result<()> {
    let save = || -> io::Result<()> {
        let mut file = NamedTempFile::new_in(atomic_file::folder_of(path))?;
        io::copy(&mut ids.into_csv()?, file.as_file_mut())?;
        file.as_file().sync_all()?;
        atomic_file::rename(file.into_temp_path(), path, IfExists::Fail)
    };
    save().map_err(|cause| Error::IdMap { path: path.to_owned(), cause })
}

/// As they are typed: `customers=newer orders=skip`.
fn policies_text(policies: &TablePolicies, of_others: Option<TablePolicy>) -> Option<String> {
    let of_tables = policies.iter().map(|(table, policy)| format!("{table}={policy}"));
    let all: Vec<String> = of_tables.chain(of_others.map(|policy| policy.to_string())).collect();
    (!all.is_empty()).then(|| all.join(" "))
}

fn ended_event(written: &Result<Imported>) -> Event {
    match written {
        Ok(Imported { report, .. }) => {
            let TableEffect { created, updated, unchanged, removed, .. } = report.effect();
            let (duration_ms, plan) = (report.duration_ms, report.plan.clone());
            Event::ImportCompleted { created, updated, unchanged, removed, duration_ms, plan }
        }
        Err(error) => Event::ImportFailed { reason: text::shortened(&error.reason(), MAX_REASON_CHARS) },
    }
}

/// Runs blocking work on a thread of its own.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Error::Panicked)?
}
