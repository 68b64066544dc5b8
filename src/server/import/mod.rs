//! Puts the records of a sealed file into a database: the mirror of `export`.
//!
//! Flow: `check_file` checks seal and signature; `plan` compares the file with the target and refuses what would lose data or
//! fail; `write` reads the file a second time, decodes its records and fills the target in one transaction, which a dry run does
//! not commit. Nothing is visible to others before the commit, and nothing is left of an import that fails.

mod check_file;
mod error;
mod filled_columns;
mod plan;
mod request;
mod write;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

pub use check_file::CheckedFile;
use check_file::check_file;
pub use error::{Error, Result};
pub use request::ImportRequest;

use self::write::{Importing, Progress};
use crate::model::access::{Capability, Scope};
use crate::model::import::{ImportReport, TableEffect};
use crate::model::text;
use crate::server::audit::{Event, Journal};
use crate::server::identity::{self, Caller};
use crate::server::profile::Profile;
use crate::server::signing::PublicKeys;
use crate::server::source::Target;
use crate::server::state;
use crate::server::support::random::Random;

/// More of the reason for a failure is not kept.
const MAX_REASON_CHARS: usize = 200;

/// Imports into one database.
pub struct Imports {
    pub target: Arc<dyn Target>,
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
        let (imports, path) = (self.clone(), path.to_owned());
        let file = blocking(move || check_file(&path, &imports.trusted_keys, request.accept_unsigned)).await;
        if let Err(Error::NotTrusted(_)) = &file {
            identity::refuse(&self.journal, caller, "import a file that no trusted key has signed").await?;
        }
        let file = file?;
        if !request.dry_run {
            self.record(caller, started_event(&file, request)).await?;
        }
        let imports = self.clone();
        let progress: Progress = Box::new(on_progress);
        let written = blocking(move || {
            let Imports { target, profile, random, .. } = &*imports;
            Importing { target: &**target, profile, random: &**random, request, progress }.run(file)
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

    async fn record(&self, caller: &Caller, event: Event) -> state::Result<()> {
        self.journal.commit(self.journal.begin().await?, caller.actor(), event).await
    }
}

fn started_event(file: &CheckedFile, request: ImportRequest) -> Event {
    Event::ImportStarted {
        sha256: file.verified.sha256.clone(),
        export_id: file.verified.metadata.export_id.clone(),
        mode: request.mode,
        signed_by: file.signed_by.clone(),
    }
}

/// Runs blocking work on a thread of its own.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Error::Panicked)?
}
