//! Puts the records of a sealed file into a database: the mirror of `export`.
//!
//! Flow: `check_file` checks seal and signature; `plan` compares the file with the target and refuses what would lose data or
//! fail; `write` reads the file a second time, decodes its records and fills the target in one transaction, which a dry run does
//! not commit. Nothing is visible to others before the commit, and nothing is left of an import that fails.

mod change_groups;
mod changes;
mod check_file;
mod error;
mod filled_columns;
mod plan;
mod plan_file;
mod planned_changes;
mod request;
mod stale_plan;
mod undo;
mod write;

use std::io::{self, BufWriter};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use tempfile::NamedTempFile;

pub use check_file::CheckedFile;
use check_file::check_file;
pub use error::{Error, Result};
pub use planned_changes::{BeforeAndAfter, PlanFile, PlannedChange};
pub use request::{ExpectedPlan, ImportRequest};

use self::changes::RecordedChanges;
use self::plan_file::{PlanOrigin, write_plan};
use self::write::{Imported, Importing, Progress};
use crate::model::access::{Capability, Scope, SourceLabel};
use crate::model::import::TableEffect;
use crate::model::import_plan::ImportPlanHead;
use crate::model::import_report::ImportReport;
use crate::model::text;
use crate::server::audit::{Event, Journal};
use crate::server::identity::{self, Caller};
use crate::server::profile::Profile;
use crate::server::signing::{PublicKeys, SigningKey};
use crate::server::source::Target;
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
    pub signing_key: Arc<SigningKey>,
    pub clock: Arc<dyn Clock>,
    pub profile: Arc<Profile>,
    pub trusted_keys: PublicKeys,
    pub journal: Journal,
    pub random: Arc<dyn Random>,
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
        path: &Path,
        request: ImportRequest,
        on_progress: impl Fn(u64) + Send + Sync + 'static,
    ) -> Result<ImportReport> {
        let (capability, scope) = (Capability::ImportDatabase, Scope::WholeDatabase);
        identity::authorise::<Error>(&self.journal, caller, capability, &scope, "import a file").await?;
        let started = Instant::now();
        if let Some(path) = &request.plan_output {
            check_plan_output(path)?;
        }
        let expected = request.expected_plan.clone();
        let plan_file = blocking(move || expected.as_ref().map_or(Ok(None), ExpectedPlan::open)).await?;
        let (imports, path, accept_unsigned) = (self.clone(), path.to_owned(), request.accept_unsigned);
        let file = blocking(move || check_file(&path, &imports.trusted_keys, accept_unsigned)).await;
        if let Err(Error::NotTrusted(_)) = &file {
            identity::refuse(&self.journal, caller, "import a file that no trusted key has signed").await?;
        }
        let file = file?;
        if let Some(plan) = &plan_file {
            stale_plan::check_import(&plan.head, &file.verified.sha256, request.mode, &self.target_id)?;
        }
        let id = new_uuid_v7(&*self.clock, &*self.random).simple().to_string();
        if !request.dry_run || request.plan_output.is_some() {
            self.record(caller, first_event(&file, &request, &id)).await?;
        }
        let (imports, asked, planned_by) = (self.clone(), request.clone(), caller.actor().name.to_owned());
        let progress: Progress = Box::new(on_progress);
        let written = blocking(move || {
            let Imports { target, target_id, profile, random, .. } = &*imports;
            let (target, random, request) = (&**target, &**random, &asked);
            let importing = Importing { target, profile, random, request, plan_file, id: &id, target_id, progress };
            let Imported { report, plan } = importing.run(file)?;
            if let (Some(path), Some((head, mut changes))) = (&asked.plan_output, plan) {
                imports.save_plan(path, &head, &mut changes, planned_by)?;
            }
            Ok(report)
        });
        let written = written.await.map(|report| {
            let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            ImportReport { duration_ms, ..report }
        });
        if !request.dry_run {
            let event = match &written {
                Ok(report) => {
                    let TableEffect { created, updated, unchanged } = report.effect();
                    Event::ImportCompleted { created, updated, unchanged, duration_ms: report.duration_ms }
                }
                Err(error) => Event::ImportFailed { reason: text::shortened(&error.to_string(), MAX_REASON_CHARS) },
            };
            if let Err(error) = self.record(caller, event).await {
                tracing::error!(%error, "the end of an import could not be recorded");
                // What has become of the records matters more.
                return written.and_then(|_| Err(Error::NotRecorded(error)));
            }
        }
        written
    }

    /// Writes a plan to a new file that nobody else can read.
    fn save_plan(
        &self,
        path: &Path,
        head: &ImportPlanHead,
        changes: &mut RecordedChanges,
        planned_by: String,
    ) -> Result<()> {
        let origin = PlanOrigin {
            planned_at: rfc3339(self.clock.now()),
            planned_by,
            id: new_uuid_v7(&*self.clock, &*self.random),
            target: self.target_label.clone(),
        };
        let write = || -> io::Result<()> {
            let mut file = NamedTempFile::new_in(atomic_file::folder_of(path))?;
            write_plan(BufWriter::new(file.as_file_mut()), head, origin, changes, &*self.signing_key)?;
            file.as_file().sync_all()?;
            atomic_file::rename(file.into_temp_path(), path, IfExists::Fail)
        };
        write().map_err(|cause| Error::PlanOutput { path: path.to_owned(), cause })
    }

    async fn record(&self, caller: &Caller, event: Event) -> state::Result<()> {
        self.journal.commit(self.journal.begin().await?, caller.actor(), event).await
    }
}

/// Before anything is read: a plan may take minutes.
fn check_plan_output(path: &Path) -> Result<()> {
    if path.symlink_metadata().is_err() {
        return Ok(());
    }
    Err(Error::PlanOutput { path: path.to_owned(), cause: io::ErrorKind::AlreadyExists.into() })
}

fn first_event(file: &CheckedFile, request: &ImportRequest, id: &str) -> Event {
    let (sha256, export_id) = (file.verified.sha256.clone(), file.verified.metadata.export_id.clone());
    let (mode, signed_by) = (request.mode, file.signed_by.clone());
    if request.dry_run {
        Event::ImportPlanned { sha256, export_id, mode, signed_by }
    } else {
        Event::ImportStarted { import: id.to_owned(), sha256, export_id, mode, signed_by }
    }
}

/// Runs blocking work on a thread of its own.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Error::Panicked)?
}
