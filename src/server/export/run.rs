//! Runs a queued export, from its snapshot to a published artefact or a recorded failure.

use std::sync::Arc;
use std::time::Duration;

use super::plan::{ExportPlan, RunContext, plan};
use super::running::{RunningExport, StopReason};
use super::write::write;
use super::{ARTIFACT_RETENTION, Error, Exports, Result};
use crate::model::access::Capability;
use crate::model::channel::Channel;
use crate::model::drift::{Deviations, Guess, find_reclassified};
use crate::model::export::{DriftPolicy, ExportId, ExportSummary, Failure};
use crate::model::history::RunStatus;
use crate::model::manifest::{AuditHead, RecordOrder};
use crate::model::output::Output;
use crate::model::text;
use crate::seal::DocumentSummary;
use crate::server::artifact::ArtifactWriter;
use crate::server::audit::{self, Event};
use crate::server::state::{exports, exports::ExportRow};
use crate::server::support::clock::rfc3339;
use crate::server::support::random;

/// How often a run re-checks its requester's role, so that a demoted admin's run stops.
const ROLE_CHECK_INTERVAL: Duration = Duration::from_secs(2);
/// Timeout of that check. The run stops when it expires, since the role may have been revoked.
const ROLE_CHECK_TIMEOUT: Duration = Duration::from_secs(3);
const ROLE_REVOKED: &str = "Your role no longer allows exports.";

/// A written and sealed file, and what history records about it.
pub(super) struct WrittenExport {
    pub sealed: DocumentSummary,
    pub deviations: Deviations,
    pub guesses: Vec<Guess>,
}

impl WrittenExport {
    pub fn new(plan: ExportPlan, sealed: DocumentSummary) -> Self {
        Self { sealed, deviations: plan.deviations, guesses: plan.metadata.redaction.guessed }
    }
}

/// A completed export, as it is recorded.
pub(super) struct CompletedExport<'a> {
    pub written: WrittenExport,
    pub duration_ms: u64,
    pub expires_at: Option<String>,
    /// The artefact's name; none for the command line.
    pub artifact: Option<&'a str>,
}

/// An export that this process has claimed and must run.
pub struct ClaimedExport {
    row: ExportRow,
    audit_head: AuditHead,
    running: Arc<RunningExport>,
}

impl Exports {
    /// Claims the oldest queued export, if there is one.
    ///
    /// # Errors
    /// `State` if the state cannot be read or written.
    pub async fn claim(&self) -> Result<Option<ClaimedExport>> {
        for row in self.state.exports_by_status(RunStatus::Queued).await? {
            // Registered before it is recorded as running, so that it can be cancelled from the start.
            let running = self.running.register(row.id, row.estimated_bytes.unwrap_or_default());
            match self.record_start(&row).await {
                Ok(Some(audit_head)) => return Ok(Some(ClaimedExport { row, audit_head, running })),
                Ok(None) => self.running.remove(row.id),
                Err(error) => {
                    self.running.remove(row.id);
                    return Err(error);
                }
            }
        }
        Ok(None)
    }

    /// Returns the new head of the audit trail, or none if the export is no longer queued.
    async fn record_start(&self, row: &ExportRow) -> Result<Option<AuditHead>> {
        let mut tx = self.state.begin().await?;
        if !exports::mark_running(&mut tx, row.id).await? {
            return Ok(None);
        }
        let entry = self.audit_entry(&row.requested_by, Some(row.id), Event::ExportStarted);
        let audit = audit::append(&mut tx, &entry).await?;
        tx.commit().await?;
        Ok(Some(audit))
    }

    /// Runs a claimed export and records how it ended.
    pub async fn run(self: Arc<Self>, ClaimedExport { row, audit_head, running }: ClaimedExport) {
        // In a separate task, so that a panic is recorded as a failed export.
        let task = tokio::spawn(self.clone().run_to_artifact(row.clone(), audit_head, running.clone()));
        let ended = task.await.unwrap_or(Err(Error::Panicked));
        let recorded = match ended {
            Ok(()) => Ok(()),
            Err(error) => self.record_end_without_file(&row, &running, &error).await,
        };
        if let Err(error) = recorded {
            tracing::error!(export = %row.id, %error, "the end of an export could not be recorded");
        }
        self.running.remove(row.id);
    }

    async fn run_to_artifact(
        self: Arc<Self>,
        row: ExportRow,
        audit: AuditHead,
        running: Arc<RunningExport>,
    ) -> Result<()> {
        self.recheck_access(&row).await?;
        let artifact = self.artifacts.create(random::new_token(&*self.random))?;
        let exports = self.clone();
        let (claimed_row, run) = (row.clone(), running.clone());
        let mut write_task =
            tokio::task::spawn_blocking(move || exports.write_artifact(claimed_row, audit, &run, artifact));
        let stop_with_reason = |error: &Error| running.stop(StopReason::from_error(error));
        let (written, artifact) = loop {
            tokio::select! {
                written = &mut write_task => break written.map_err(|_| Error::Panicked)??,
                () = tokio::time::sleep(ROLE_CHECK_INTERVAL) => {
                    let _ = self.recheck_access(&row).await.inspect_err(stop_with_reason);
                }
            }
        };
        if running.stop_reason().is_some() {
            return Err(Error::Stopped);
        }
        self.recheck_access(&row).await.inspect_err(stop_with_reason)?;
        self.publish(&row, &running, written, artifact).await
    }

    /// Reads, encodes and seals. Blocks.
    fn write_artifact(
        &self,
        row: ExportRow,
        audit_head: AuditHead,
        running: &RunningExport,
        artifact: ArtifactWriter,
    ) -> Result<(WrittenExport, ArtifactWriter)> {
        let mut snapshot = self.source.begin_snapshot(&|interrupt| running.attach_interrupt(interrupt))?;
        let context = RunContext {
            id: row.id,
            order: RecordOrder::Storage,
            exported_by: row.account_id.unwrap_or(row.requested_by),
            audit_head,
            exported_at: self.clock.now(),
            pseudonym_key: self.new_pseudonym_key(),
            drift: DriftPolicy::Report,
        };
        let plan = plan(&context, &*self.source, &mut *snapshot, &self.profile, &running.cancellation)?;
        let tables = plan.scans.iter().map(|scan| scan.table.clone()).collect();
        let _ = running.planned.set((tables, plan.metadata.total_records));
        let (artifact, sealed) = write(
            &mut *snapshot,
            &plan,
            artifact,
            Output::document(row.compression),
            &*self.signing_key,
            &running.progress,
            &running.cancellation,
        )?;
        Ok((WrittenExport::new(plan, sealed), artifact))
    }

    async fn publish(
        &self,
        row: &ExportRow,
        running: &RunningExport,
        written: WrittenExport,
        file: ArtifactWriter,
    ) -> Result<()> {
        let published = tokio::task::spawn_blocking(move || file.publish());
        let artifact = published.await.map_err(|_| Error::Panicked)??;
        let expires_at = Some(rfc3339(self.clock.now() + ARTIFACT_RETENTION));
        // A cancellation that arrived while the disk was syncing still counts.
        let recorded = if running.stop_reason().is_some() {
            Err(Error::Stopped)
        } else {
            let (duration_ms, artifact) = (running.elapsed_ms(), Some(&*artifact));
            let completed = CompletedExport { written, duration_ms, expires_at, artifact };
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
        completed: CompletedExport<'_>,
    ) -> Result<ExportSummary> {
        let CompletedExport {
            written: WrittenExport { sealed, deviations, guesses },
            duration_ms,
            expires_at,
            artifact,
        } = completed;
        let mut tx = self.state.begin().await?;
        let reclassified = find_reclassified(&exports::last_guesses(&mut tx).await?, &guesses);
        let deviations = Deviations { reclassified, ..deviations };
        let DocumentSummary { records, tables, bytes, sha256 } = sealed;
        let summary = ExportSummary { records, tables, bytes, sha256, duration_ms, expires_at, deviations };
        exports::mark_completed(&mut tx, id, &summary, &guesses, artifact).await?;
        let event = Event::ExportCompleted { summary: summary.clone() };
        audit::append(&mut tx, &self.audit_entry(actor, Some(id), event)).await?;
        tx.commit().await?;
        Ok(summary)
    }

    async fn record_end_without_file(&self, row: &ExportRow, running: &RunningExport, error: &Error) -> Result<()> {
        let failure = match running.stop_reason() {
            Some(StopReason::Cancelled) => None,
            Some(StopReason::RoleRevoked) => Some(self.log_failure(ROLE_REVOKED, error)),
            Some(StopReason::RoleCheckFailed) => {
                let message = "The database did not confirm that you may still export. Try again when it responds.";
                Some(self.log_failure(message, error))
            }
            Some(StopReason::ShuttingDown) => {
                Some(self.log_failure("The server was stopped. Start a new export.", error))
            }
            None => Some(self.log_failure(&public_message(error), error)),
        };
        let mut tx = self.state.begin().await?;
        exports::end_without_file(&mut tx, row.id, failure.as_ref(), Some(running.elapsed_ms())).await?;
        let event = failure.map_or(Event::ExportCancelled, |failure| Event::ExportFailed { failure });
        audit::append(&mut tx, &self.audit_entry(&row.requested_by, Some(row.id), event)).await?;
        Ok(tx.commit().await?)
    }

    /// Logs the cause and returns the failure that users see, linked to it by a reference.
    pub(super) fn log_failure(&self, message: &str, cause: &Error) -> Failure {
        let reference = random::new_error_reference(&*self.random);
        tracing::error!(%reference, error = %cause, "an export ended without a file");
        Failure { message: message.to_owned(), reference }
    }

    async fn recheck_access(&self, row: &ExportRow) -> Result<()> {
        let account = row.account_id.as_deref().unwrap_or_default();
        let lookup = tokio::time::timeout(ROLE_CHECK_TIMEOUT, self.identity.find_run_caller(account));
        let caller = lookup.await.map_err(|_| Error::Source(crate::server::source::Error::Stalled))??;
        let allowed = caller.is_some_and(|caller| caller.require(Capability::ExportDatabase).is_ok());
        if allowed { Ok(()) } else { Err(crate::server::identity::Forbidden.into()) }
    }

    /// Cleans up after a stopped or killed server: fails its runs and removes its unfinished files. Call before the
    /// first claim, as the only server of this source.
    ///
    /// # Errors
    /// `State` or `Artifact` if state or folder cannot be used.
    pub async fn recover(&self) -> Result<()> {
        for row in self.state.exports_by_status(RunStatus::Running).await? {
            if row.channel == Channel::Page {
                self.record_killed_run(&row, "The server was stopped. Start a new export.").await?;
            }
        }
        let kept = self.state.exports_with_artifact().await?;
        let names: Vec<String> = kept.into_iter().filter_map(|row| row.artifact).collect();
        self.artifacts.sweep(&names)?;
        self.fail_killed_runs().await?;
        self.remove_expired_artifacts().await
    }

    /// Records runs of the command line as failed if their process is gone and cannot do so itself.
    ///
    /// # Errors
    /// `State` or `Artifact` if state or folder cannot be used.
    pub async fn fail_killed_runs(&self) -> Result<()> {
        for row in self.state.exports_by_status(RunStatus::Running).await? {
            if row.channel != Channel::Page && !self.artifacts.is_running(row.id) {
                self.record_killed_run(&row, "The command was killed. Start a new export.").await?;
                self.artifacts.remove_run_lock(row.id)?;
            }
        }
        Ok(())
    }

    async fn record_killed_run(&self, row: &ExportRow, message: &str) -> Result<()> {
        let failure = self.log_failure(message, &Error::Stopped);
        let mut tx = self.state.begin().await?;
        // An export that has ended since it was read stays unchanged.
        if exports::end_without_file(&mut tx, row.id, Some(&failure), None).await? {
            let entry = self.audit_entry(&row.requested_by, Some(row.id), Event::ExportFailed { failure });
            audit::append(&mut tx, &entry).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Removes expired files. One that cannot be removed is logged and does not keep the others.
    ///
    /// # Errors
    /// `State` if the state cannot be read.
    pub async fn remove_expired_artifacts(&self) -> Result<()> {
        let now = rfc3339(self.clock.now());
        for row in self.state.exports_with_artifact().await? {
            let is_expired = row.expires_at.as_ref().is_none_or(|expires| *expires <= now);
            if is_expired && let Err(error) = self.remove_artifact(&row).await {
                tracing::error!(export = %row.id, %error, "an expired file could not be removed");
            }
        }
        Ok(())
    }

    pub(super) async fn remove_artifact(&self, row: &ExportRow) -> Result<()> {
        self.artifacts.remove(row.artifact.as_deref().unwrap_or_default())?;
        let mut tx = self.state.begin().await?;
        exports::clear_artifact(&mut tx, row.id).await?;
        audit::append(&mut tx, &self.audit_entry(&row.requested_by, Some(row.id), Event::ExportExpired)).await?;
        Ok(tx.commit().await?)
    }

    /// Stops all runs of this process and waits up to 5 seconds until their end is recorded.
    pub async fn shut_down(&self) {
        self.running.stop_all(StopReason::ShuttingDown);
        if let Err(error) = self.refusals.record_repetitions(&self.state, &*self.clock, true).await {
            tracing::error!(%error, "repeated refusals could not be recorded");
        }
        for _ in 0..50 {
            if self.running.is_empty() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

impl StopReason {
    fn from_error(error: &Error) -> Self {
        if matches!(error, Error::Forbidden(_)) { Self::RoleRevoked } else { Self::RoleCheckFailed }
    }
}

/// The message that users see. For internal errors, whose text is for the log only, it says what to check.
fn public_message(error: &Error) -> String {
    match error {
        Error::Forbidden(_) => ROLE_REVOKED.to_owned(),
        Error::Artifact(_) => text::to_sentence(
            "the server cannot store the file: check its disk and the folder beside its state database",
        ),
        Error::State(_) => {
            text::to_sentence("the server cannot write its state database: check its disk, then try again")
        }
        other => text::to_sentence(&other.to_string()),
    }
}
