//! Records how an export ended: one transaction for job, history and audit trail.

use super::delivery::Delivered;
use super::execution::{ClaimedExport, Executed, Written};
use super::running::RunningExport;
use super::{ARTIFACT_RETENTION, Error, Exports, Result};
use crate::model::drift::{Deviations, find_reclassified};
use crate::model::export::ExportSummary;
use crate::model::manifest::Metadata;
use crate::seal::DocumentSummary;
use crate::server::audit::{Actor, Event};
use crate::server::jobs::{Fence, Interruption, JobEnd};
use crate::server::state::Tx;
use crate::server::state::exports::Completion;
use crate::server::state::jobs::Heartbeat;
use crate::server::support::clock::rfc3339;

impl Exports {
    /// Records a completed export. A file that cannot be recorded, or whose run was stopped meanwhile, is withdrawn if it
    /// is an artefact.
    pub(super) async fn record_completion(
        &self,
        claimed: &ClaimedExport,
        running: &RunningExport,
        written: Written,
        delivered: Delivered,
    ) -> Result<Executed> {
        let recorded = match &delivered {
            // A cancellation that arrived while the disk was syncing still counts.
            Delivered::Artifact(_) => running.check_not_stopped(),
            Delivered::File(_) | Delivered::Stream => Ok(()),
        };
        let recorded = match recorded {
            Ok(()) => self.complete(claimed, running, written, &delivered).await,
            Err(stopped) => Err(stopped),
        };
        match (recorded, delivered) {
            (Ok((metadata, summary)), delivered) => Ok(Executed { metadata, summary, delivered }),
            (Err(error), Delivered::Artifact(name)) => {
                self.artifacts.remove(&name).await?;
                Err(error)
            }
            (Err(error), _) => Err(error),
        }
    }

    async fn complete(
        &self,
        claimed: &ClaimedExport,
        running: &RunningExport,
        written: Written,
        delivered: &Delivered,
    ) -> Result<(Metadata, ExportSummary)> {
        let Written { metadata, deviations, contains, sealed } = written;
        let guesses = &metadata.redaction.guessed;
        let artifact = delivered.artifact().cloned();
        let expires_at = artifact.as_ref().map(|_| rfc3339(self.clock.now() + ARTIFACT_RETENTION));
        let mut tx = self.state.begin().await?;
        finish_job(&mut *tx, claimed.fence, running, delivered).await?;
        // The columns that were guessed differently the last time.
        let reclassified = find_reclassified(&tx.exports().last_guesses().await?, guesses);
        let deviations = Box::new(Deviations { reclassified, ..deviations });
        let DocumentSummary { records, tables, bytes, sha256 } = sealed;
        let duration_ms = running.elapsed_ms();
        let summary = ExportSummary { records, tables, bytes, sha256, duration_ms, expires_at, deviations };
        let completion = Completion { summary: summary.clone(), artifact };
        tx.exports().complete(claimed.row.id, &completion, guesses).await?;
        let event = Event::ExportCompleted { summary: summary.clone(), contains };
        let actor = Actor::local(&claimed.row.requested_by);
        self.journal.commit_about(tx, actor, claimed.row.id, event).await?;
        Ok((metadata, summary))
    }

    /// Records a failed or cancelled export.
    pub(super) async fn record_end_without_file(
        &self,
        claimed: &ClaimedExport,
        running: &RunningExport,
        error: &Error,
    ) -> Result<()> {
        let failure = self.failure(running.stop_reason(), error);
        let (id, duration_ms) = (claimed.row.id, running.elapsed_ms());
        let mut tx = self.state.begin().await?;
        let end = if failure.is_some() { JobEnd::Failed } else { JobEnd::Cancelled };
        if !tx.jobs().finish(claimed.fence, end).await? {
            // The process that took the lease has recorded the end.
            return Ok(());
        }
        let event = if let Some(failure) = failure {
            tx.exports().fail(id, &failure, Some(duration_ms)).await?;
            Event::ExportFailed { failure }
        } else {
            tx.exports().cancel(id, duration_ms).await?;
            Event::ExportCancelled
        };
        Ok(self.journal.commit_about(tx, Actor::local(&claimed.row.requested_by), id, event).await?)
    }
}

/// Completes the job. An artefact can still be withdrawn, so a cancellation counts until here; a file under its name is
/// complete whatever was requested since.
async fn finish_job(tx: &mut dyn Tx, fence: Fence, running: &RunningExport, delivered: &Delivered) -> Result<()> {
    let finished = match delivered {
        Delivered::Artifact(_) => tx.jobs().complete_unless_stopped(fence).await?,
        Delivered::File(_) | Delivered::Stream if tx.jobs().finish(fence, JobEnd::Completed).await? => {
            Heartbeat::Renewed
        }
        Delivered::File(_) | Delivered::Stream => Heartbeat::Lost,
    };
    match finished {
        Heartbeat::Renewed => Ok(()),
        Heartbeat::StopRequested => {
            running.interrupt(Interruption::StopRequested);
            Err(Error::Stopped)
        }
        Heartbeat::Lost => {
            running.interrupt(Interruption::LeaseLost);
            Err(Error::LeaseLost)
        }
    }
}
