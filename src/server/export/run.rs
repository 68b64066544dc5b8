//! Runs queued exports, for the worker.

use std::sync::Arc;

use super::delivery::{ArtifactDelivery, Opened};
use super::execution::ClaimedExport;
use super::request::ExportRequest;
use super::running::RunningExport;
use super::{Exports, Result};
use crate::model::export::ExportId;
use crate::server::artifact;
use crate::server::audit::{Actor, Event};
use crate::server::jobs::ClaimedJob;
use crate::server::state::Tx;
use crate::server::state::jobs::JobKind;

impl Exports {
    /// Waits until an export was queued in this process.
    pub async fn queued(&self) {
        self.queue.job_queued().await;
    }

    /// Starts every queued export, each in a task of its own.
    ///
    /// # Errors
    /// `State` or `Jobs` if the state cannot be read or written.
    pub async fn start_queued(self: &Arc<Self>) -> Result<()> {
        while !self.shutdown.is_cancelled() {
            // A shutdown waits for this run from its claim on.
            let token = self.runs.token();
            let mut tx = self.state.begin().await?;
            let Some(job) = self.queue.claim(&mut *tx, JobKind::Export).await? else { return Ok(()) };
            let claimed = self.record_start(&mut *tx, job).await?;
            tx.commit().await?;
            if let Some(claimed) = claimed {
                let run = self.clone().run(claimed);
                drop(tokio::spawn(async move {
                    run.await;
                    drop(token);
                }));
            }
        }
        Ok(())
    }

    /// Records that a claimed export starts, and returns what to run. A job that this version cannot read, such as one of
    /// a newer version, fails here, so that it does not hold up those behind it.
    pub(super) async fn record_start(&self, tx: &mut dyn Tx, job: ClaimedJob) -> Result<Option<ClaimedExport>> {
        let id = ExportId(job.fence.id);
        let row = tx.exports().find(id).await?;
        let request = serde_json::from_str::<ExportRequest>(&job.spec);
        let (Some(row), Ok(request)) = (row, request) else {
            self.fail_unrun(tx, job.fence, |_| "This version cannot run the export. Start a new one.").await?;
            return Ok(None);
        };
        tx.exports().mark_running(id).await?;
        let actor = Actor::local(&row.requested_by);
        let audit_head = self.journal.record_about(tx, actor, id, Event::ExportStarted).await?;
        Ok(Some(ClaimedExport { fence: job.fence, row, request, audit_head }))
    }

    async fn run(self: Arc<Self>, claimed: ClaimedExport) {
        let exports = self.clone();
        let open = move || -> Result<Opened> {
            let writer = exports.artifacts.create(artifact::new_name(&*exports.random))?;
            Ok(Opened::Document(Box::new(ArtifactDelivery(writer))))
        };
        let running = Arc::new(RunningExport::new());
        // How it ended is in history and log.
        let _ = self.execute(claimed, running, open).await;
    }
}
