//! Runs a queued export, from its snapshot to a published artefact or a recorded failure.

use std::sync::Arc;
use std::time::Duration;

use super::live::{LiveRun, StopReason};
use super::plan::{ExportPlan, ExportRequest, plan};
use super::write::write;
use super::{Error, Exports, KEPT_FOR, Result};
use crate::model::access::Capability;
use crate::model::drift::{Deviations, Guess, reclassified};
use crate::model::export::{DriftPolicy, ExportId, ExportSummary, Failure};
use crate::model::history::Outcome;
use crate::model::manifest::{AuditHead, RecordOrder};
use crate::model::text;
use crate::seal::Sealed;
use crate::server::artifact::Unpublished;
use crate::server::audit::{self, Event};
use crate::server::state::{exports, exports::ExportRow};
use crate::server::support::clock::rfc3339;
use crate::server::support::random;

/// How often a run re-checks its requester's role, so that a demoted admin's run stops.
const ROLE_IS_READ_EVERY: Duration = Duration::from_secs(2);
/// Timeout of that check. The run stops when it expires, since the role may have been revoked.
const ROLE_ANSWER_WITHIN: Duration = Duration::from_secs(3);

/// A written and sealed file, and what history records about it.
pub(super) struct Written {
    pub sealed: Sealed,
    pub deviations: Deviations,
    pub guesses: Vec<Guess>,
}

impl Written {
    pub fn of(plan: ExportPlan, sealed: Sealed) -> Self {
        Self { sealed, deviations: plan.deviations, guesses: plan.metadata.redaction.guessed }
    }
}

/// A completed export, as it is recorded.
pub(super) struct Completed<'a> {
    pub written: Written,
    pub duration_ms: u64,
    pub expires_at: Option<String>,
    /// The artefact's name; none for the command line.
    pub artifact: Option<&'a str>,
}

/// An export that this process has claimed and must run.
pub struct Claimed {
    row: ExportRow,
    audit: AuditHead,
    live: Arc<LiveRun>,
}

impl Exports {
    /// Claims the oldest queued export, if there is one.
    ///
    /// # Errors
    /// `State` if the state cannot be read or written.
    pub async fn claim(&self) -> Result<Option<Claimed>> {
        for row in self.state.exports_that_are(Outcome::Queued).await? {
            // Registered before it is recorded as running, so that it can be cancelled from the start.
            let live = self.live.begin(row.id, row.estimated_bytes.unwrap_or_default());
            match self.record_start(&row).await {
                Ok(Some(audit)) => return Ok(Some(Claimed { row, audit, live })),
                Ok(None) => self.live.end(row.id),
                Err(error) => {
                    self.live.end(row.id);
                    return Err(error);
                }
            }
        }
        Ok(None)
    }

    /// Returns the new head of the audit trail, or none if the export is no longer queued.
    async fn record_start(&self, row: &ExportRow) -> Result<Option<AuditHead>> {
        let mut tx = self.state.begin().await?;
        if !exports::start(&mut tx, row.id).await? {
            return Ok(None);
        }
        let entry = self.entry(&row.requested_by, Some(row.id), Event::ExportStarted);
        let audit = audit::append(&mut tx, &entry).await?;
        tx.commit().await?;
        Ok(Some(audit))
    }

    /// Runs a claimed export and records how it ended.
    pub async fn run(self: Arc<Self>, Claimed { row, audit, live }: Claimed) {
        // In a separate task, so that a panic is recorded as a failed export.
        let task = tokio::spawn(self.clone().run_to_artifact(row.clone(), audit, live.clone()));
        let ended = task.await.unwrap_or(Err(Error::Panicked));
        let recorded = match ended {
            Ok(()) => Ok(()),
            Err(error) => self.record_end(&row, &live, &error).await,
        };
        if let Err(error) = recorded {
            tracing::error!(export = %row.id, %error, "the end of an export could not be recorded");
        }
        self.live.end(row.id);
    }

    async fn run_to_artifact(self: Arc<Self>, row: ExportRow, audit: AuditHead, live: Arc<LiveRun>) -> Result<()> {
        self.still_allowed(&row).await?;
        let unpublished = self.artifacts.begin(random::token(&*self.random))?;
        let exports = self.clone();
        let (asked, run) = (row.clone(), live.clone());
        let mut writing = tokio::task::spawn_blocking(move || exports.write_artifact(asked, audit, &run, unpublished));
        let (written, unpublished) = loop {
            tokio::select! {
                written = &mut writing => break written.map_err(|_| Error::Panicked)??,
                () = tokio::time::sleep(ROLE_IS_READ_EVERY) => {
                    if let Err(error) = self.still_allowed(&row).await {
                        live.stop(StopReason::of(&error));
                    }
                }
            }
        };
        if live.stopped().is_some() {
            return Err(Error::Stopped);
        }
        self.still_allowed(&row).await.inspect_err(|error| live.stop(StopReason::of(error)))?;
        self.publish(&row, &live, written, unpublished).await
    }

    /// Reads, encodes and seals. Blocks.
    fn write_artifact(
        &self,
        row: ExportRow,
        audit: AuditHead,
        live: &LiveRun,
        unpublished: Unpublished,
    ) -> Result<(Written, Unpublished)> {
        let mut snapshot = self.source.begin_snapshot(&|interrupt| live.is_interrupted_by(interrupt))?;
        let request = ExportRequest {
            id: row.id,
            order: RecordOrder::Storage,
            exported_by: row.account_id.unwrap_or(row.requested_by),
            audit,
            at: self.clock.now(),
            key: self.new_key(),
            drift: DriftPolicy::Report,
        };
        let plan = plan(&request, &*self.source, &mut *snapshot, &self.profile, &live.meter)?;
        let tables = plan.selections.iter().map(|selection| selection.table.clone()).collect();
        let _ = live.planned.set((tables, plan.metadata.total_records));
        let (unpublished, sealed) =
            write(&mut *snapshot, &plan, unpublished, row.compression, &*self.signing_key, &live.meter)?;
        Ok((Written::of(plan, sealed), unpublished))
    }

    async fn publish(&self, row: &ExportRow, live: &LiveRun, written: Written, file: Unpublished) -> Result<()> {
        let published = tokio::task::spawn_blocking(move || file.publish());
        let artifact = published.await.map_err(|_| Error::Panicked)??;
        let expires_at = Some(rfc3339(self.clock.now() + KEPT_FOR));
        // A cancellation that arrived while the disk was syncing still counts.
        let recorded = if live.stopped().is_some() {
            Err(Error::Stopped)
        } else {
            let (duration_ms, artifact) = (live.elapsed_ms(), Some(&*artifact));
            let completed = Completed { written, duration_ms, expires_at, artifact };
            self.record_completion(row.id, &row.requested_by, completed).await.map(drop)
        };
        if recorded.is_err() {
            self.artifacts.remove(&artifact)?;
        }
        recorded
    }

    /// Records a completed export, with the columns that were guessed differently the last time.
    pub(super) async fn record_completion(
        &self,
        id: ExportId,
        actor: &str,
        completed: Completed<'_>,
    ) -> Result<ExportSummary> {
        let Completed { written: Written { sealed, deviations, guesses }, duration_ms, expires_at, artifact } =
            completed;
        let mut tx = self.state.begin().await?;
        let reclassified = reclassified(&exports::last_guesses(&mut tx).await?, &guesses);
        let deviations = Deviations { reclassified, ..deviations };
        let Sealed { records, tables, bytes, sha256 } = sealed;
        let summary = ExportSummary { records, tables, bytes, sha256, duration_ms, expires_at, deviations };
        exports::complete(&mut tx, id, &summary, &guesses, artifact).await?;
        let event = Event::ExportCompleted { summary: summary.clone() };
        audit::append(&mut tx, &self.entry(actor, Some(id), event)).await?;
        tx.commit().await?;
        Ok(summary)
    }

    async fn record_end(&self, row: &ExportRow, live: &LiveRun, error: &Error) -> Result<()> {
        let failure = match live.stopped() {
            Some(StopReason::Cancelled) => None,
            Some(StopReason::RoleLost) => Some(self.failure("Your role no longer allows exports.", error)),
            Some(StopReason::RoleUnknown) => {
                let message = "The database did not answer whether you may still export. Try again when it does.";
                Some(self.failure(message, error))
            }
            Some(StopReason::ShuttingDown) => Some(self.failure("The server was stopped. Start a new export.", error)),
            None => Some(self.failure(&told(error), error)),
        };
        let mut tx = self.state.begin().await?;
        exports::end_without_file(&mut tx, row.id, failure.as_ref(), Some(live.elapsed_ms())).await?;
        let event = failure.map_or(Event::ExportCancelled, |failure| Event::ExportFailed { failure });
        audit::append(&mut tx, &self.entry(&row.requested_by, Some(row.id), event)).await?;
        Ok(tx.commit().await?)
    }

    /// Logs the cause and returns the failure that users see, linked to it by a reference.
    pub(super) fn failure(&self, message: &str, cause: &Error) -> Failure {
        let reference = random::reference(&*self.random);
        tracing::error!(%reference, error = %cause, "an export ended without a file");
        Failure { message: message.to_owned(), reference }
    }

    async fn still_allowed(&self, row: &ExportRow) -> Result<()> {
        let account = row.account_id.as_deref().unwrap_or_default();
        let answer = tokio::time::timeout(ROLE_ANSWER_WITHIN, self.identity.caller_of_run(account));
        let caller = answer.await.map_err(|_| Error::Source(crate::server::source::Error::Stalled))??;
        let allowed = caller.is_some_and(|caller| caller.require(Capability::ExportDatabase).is_ok());
        if allowed { Ok(()) } else { Err(crate::server::identity::Refused.into()) }
    }

    /// Cleans up after a stopped or killed server: fails its runs and removes its unfinished files. Call before the
    /// first claim, as the only server of this source.
    ///
    /// # Errors
    /// `State` or `Artifact` if state or folder cannot be used.
    pub async fn recover(&self) -> Result<()> {
        for row in self.state.exports_that_are(Outcome::Running).await? {
            if row.door == "page" {
                self.record_killed(&row, "The server was stopped. Start a new export.").await?;
            }
        }
        let kept = self.state.exports_with_artifact().await?;
        let names: Vec<String> = kept.into_iter().filter_map(|row| row.artifact).collect();
        self.artifacts.sweep(&names)?;
        self.end_killed().await?;
        self.expire().await
    }

    /// Records runs of the command line as failed if their process is gone and cannot do so itself.
    ///
    /// # Errors
    /// `State` or `Artifact` if state or folder cannot be used.
    pub async fn end_killed(&self) -> Result<()> {
        for row in self.state.exports_that_are(Outcome::Running).await? {
            if row.door != "page" && !self.artifacts.is_running(row.id) {
                self.record_killed(&row, "The command was killed. Start a new export.").await?;
                self.artifacts.forget_running(row.id)?;
            }
        }
        Ok(())
    }

    async fn record_killed(&self, row: &ExportRow, message: &str) -> Result<()> {
        let failure = self.failure(message, &Error::Stopped);
        let mut tx = self.state.begin().await?;
        // An export that has ended since it was read stays unchanged.
        if exports::end_without_file(&mut tx, row.id, Some(&failure), None).await? {
            let entry = self.entry(&row.requested_by, Some(row.id), Event::ExportFailed { failure });
            audit::append(&mut tx, &entry).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Removes expired files. One that cannot be removed is logged and does not keep the others.
    ///
    /// # Errors
    /// `State` if the state cannot be read.
    pub async fn expire(&self) -> Result<()> {
        let now = rfc3339(self.clock.now());
        for row in self.state.exports_with_artifact().await? {
            let is_past = row.expires_at.as_ref().is_none_or(|expires| *expires <= now);
            if is_past && let Err(error) = self.remove_artifact(&row).await {
                tracing::error!(export = %row.id, %error, "an expired file could not be removed");
            }
        }
        Ok(())
    }

    pub(super) async fn remove_artifact(&self, row: &ExportRow) -> Result<()> {
        self.artifacts.remove(row.artifact.as_deref().unwrap_or_default())?;
        let mut tx = self.state.begin().await?;
        exports::forget_artifact(&mut tx, row.id).await?;
        audit::append(&mut tx, &self.entry(&row.requested_by, Some(row.id), Event::ExportExpired)).await?;
        Ok(tx.commit().await?)
    }

    /// Stops all runs of this process and waits up to 5 seconds until their end is recorded.
    pub async fn shut_down(&self) {
        self.live.stop_all(StopReason::ShuttingDown);
        if let Err(error) = self.refusals.record_repetitions(&self.state, &*self.clock, true).await {
            tracing::error!(%error, "repeated refusals could not be recorded");
        }
        for _ in 0..50 {
            if self.live.is_empty() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

impl StopReason {
    fn of(error: &Error) -> Self {
        if matches!(error, Error::Refused(_)) { Self::RoleLost } else { Self::RoleUnknown }
    }
}

/// The message that users see. For internal errors, whose text is for the log only, it says what to check.
fn told(error: &Error) -> String {
    match error {
        Error::Artifact(_) => {
            text::sentence("the server cannot keep the file: check its disk and the folder of its state")
        }
        Error::State(_) => text::sentence("the server cannot write its own records"),
        other => text::sentence(&other.to_string()),
    }
}
