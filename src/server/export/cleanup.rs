//! Cleans up: runs of processes that are gone, expired files, and this process's own runs when it stops.

use std::convert::Infallible;
use std::time::Duration;

use super::running::{RunningExport, StopReason};
use super::{Error, Exports, Result};
use crate::model::artifact_name::ArtifactName;
use crate::model::channel::Channel;
use crate::model::export::ExportId;
use crate::server::audit::{Actor, Event};
use crate::server::jobs::{Fence, JobEnd};
use crate::server::state::Tx;
use crate::server::state::exports::ExportRow;
use crate::server::state::jobs::JobKind;
use crate::server::support::clock::rfc3339;

/// How long a shutdown waits until the ends of its runs are recorded.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

impl Exports {
    /// Cleans up after killed processes, and removes unfinished files. Call before the first claim, as the only server
    /// of this source: another one's unfinished files would be removed.
    ///
    /// # Errors
    /// `State`, `Jobs` or `Artifact` if state, locks or files cannot be used.
    pub async fn recover(&self) -> Result<()> {
        self.fail_abandoned().await?;
        self.fail_without_job().await?;
        let finished = self.state.connect().await?.exports().with_artifact().await?;
        let names: Vec<ArtifactName> = finished.iter().filter_map(|row| row.artifact().cloned()).collect();
        self.artifacts.remove_all_except(&names).await?;
        self.remove_expired_artifacts().await
    }

    /// Records runs as failed whose lease is over, because their process was killed or suspended.
    ///
    /// # Errors
    /// `State` or `Jobs` if the state or the workers' locks cannot be used.
    pub async fn fail_abandoned(&self) -> Result<()> {
        self.queue.end_leases_of_dead_workers().await?;
        let abandoned = self.state.connect().await?.jobs().abandoned(JobKind::Export).await?;
        if abandoned.is_empty() {
            return Ok(());
        }
        // Read again under the write lock: a lease may have been renewed since.
        let mut tx = self.state.begin().await?;
        for fence in tx.jobs().abandoned(JobKind::Export).await? {
            self.fail_unrun(&mut *tx, fence, killed_message).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Ends an export that nobody runs any more as failed, with a message for its channel.
    pub(super) async fn fail_unrun(
        &self,
        tx: &mut dyn Tx,
        fence: Fence,
        message: fn(Channel) -> &'static str,
    ) -> Result<()> {
        let row = tx.exports().find(ExportId(fence.id)).await?;
        if !tx.jobs().finish(fence, JobEnd::Failed).await? {
            return Ok(());
        }
        let Some(row) = row else { return Ok(()) };
        self.record_failure(tx, &row, message(row.channel)).await
    }

    /// An older version that still ran when this one migrated the state queued exports without a job.
    async fn fail_without_job(&self) -> Result<()> {
        let mut tx = self.state.begin().await?;
        for row in tx.exports().without_job().await? {
            self.record_failure(&mut *tx, &row, killed_message(row.channel)).await?;
        }
        Ok(tx.commit().await?)
    }

    async fn record_failure(&self, tx: &mut dyn Tx, row: &ExportRow, message: &str) -> Result<()> {
        let failure = self.log_failure(message, &Error::Stopped);
        tx.exports().fail(row.id, &failure, None).await?;
        let actor = Actor::local(&row.requested_by);
        self.journal.record_about(tx, actor, row.id, Event::ExportFailed { failure }).await?;
        Ok(())
    }

    /// Removes expired files. One that cannot be removed is logged and does not keep the others.
    ///
    /// # Errors
    /// `State` if the state cannot be read.
    pub async fn remove_expired_artifacts(&self) -> Result<()> {
        let finished = self.state.connect().await?.exports().with_artifact().await?;
        for row in finished {
            if row.is_expired(&rfc3339(self.clock.now()))
                && let Err(error) = self.remove_artifact(&row).await
            {
                tracing::error!(export = %row.id, %error, "an expired file could not be removed");
            }
        }
        Ok(())
    }

    pub(super) async fn remove_artifact(&self, row: &ExportRow) -> Result<()> {
        let Some(artifact) = row.artifact() else { return Ok(()) };
        self.artifacts.remove(artifact).await?;
        let mut tx = self.state.begin().await?;
        tx.exports().clear_artifact(row.id).await?;
        let actor = Actor::local(&row.requested_by);
        Ok(self.journal.commit_about(tx, actor, row.id, Event::ExportExpired).await?)
    }

    /// Stops all runs of this process and waits up to 5 seconds until their end is recorded.
    pub async fn shut_down(&self) {
        self.shutdown.cancel();
        if let Err(error) = self.journal.record_repetitions(true).await {
            tracing::error!(%error, "repeated refusals could not be recorded");
        }
        if let Err(error) = self.record_ranges(true).await {
            tracing::error!(%error, "downloads in ranges could not be recorded");
        }
        self.runs.close();
        if tokio::time::timeout(SHUTDOWN_TIMEOUT, self.runs.wait()).await.is_err() {
            tracing::error!("the end of an export could not be recorded in time");
        }
    }

    pub(super) async fn stop_at_shutdown(&self, running: &RunningExport) -> Infallible {
        self.shutdown.cancelled().await;
        running.stop(StopReason::ShuttingDown);
        std::future::pending().await
    }
}

fn killed_message(channel: Channel) -> &'static str {
    match channel {
        Channel::Page | Channel::Endpoint => "The server was stopped. Start a new export.",
        Channel::CommandLine => "The command was killed. Start a new export.",
    }
}
