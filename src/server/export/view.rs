//! The state of an export, as its requester sees it.

use std::sync::Arc;

use super::{Exports, Result};
use crate::model::export::{ExportId, Preview, Progress, RunState, RunView};
use crate::server::identity::Caller;
use crate::server::state::exports::{ExportRow, ExportState};

impl Exports {
    /// Returns one of the caller's exports.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound` if the caller has no such export; `State` if the state cannot be read.
    pub async fn view(&self, caller: &Caller, id: ExportId) -> Result<RunView> {
        self.authorise(caller, "look at an export").await?;
        let row = self.find_owned(caller, id).await?;
        self.run_view(row).await
    }

    /// The data that the export page opens with: the preview, and the run to show.
    ///
    /// # Errors
    /// `Forbidden`; `State` if the state cannot be read.
    pub async fn open_page(self: &Arc<Self>, caller: &Caller) -> Result<(Preview, Option<RunView>)> {
        let preview = self.preview(caller, false).await?;
        Ok((preview, self.current_run(caller).await?))
    }

    /// The caller's newest export while it is queued or running, or its file can still be downloaded.
    async fn current_run(&self, caller: &Caller) -> Result<Option<RunView>> {
        let Some(account) = caller.account_id() else { return Ok(None) };
        let row = self.state.connect().await?.exports().newest_of_account(account).await?;
        let Some(row) = row else { return Ok(None) };
        let view = self.run_view(row).await?;
        let is_current = matches!(view.state, RunState::Queued | RunState::Running(_) | RunState::Completed(_));
        Ok(is_current.then_some(view))
    }

    async fn run_view(&self, row: ExportRow) -> Result<RunView> {
        let (id, estimated_bytes) = (row.id, row.comparable_estimate());
        let is_available = row.artifact().is_some() && !self.is_expired(&row);
        let state = match row.state {
            ExportState::Queued => RunState::Queued,
            ExportState::Running => RunState::Running(self.progress(id).await?),
            ExportState::Cancelled { .. } => RunState::Cancelled,
            ExportState::Failed(failed) => RunState::Failed(failed.failure),
            ExportState::Completed(completion) if is_available => RunState::Completed(completion.summary),
            ExportState::Completed(_) => RunState::Expired,
        };
        Ok(RunView { id, file_name: row.file_name, estimated_bytes, state })
    }

    /// What the last heartbeat stored, from whichever process; all zero before the first.
    async fn progress(&self, id: ExportId) -> Result<Progress> {
        let stored = self.state.connect().await?.jobs().progress(id.0).await?;
        // Another version of the program may have stored it.
        Ok(stored.and_then(|stored| serde_json::from_str(&stored).ok()).unwrap_or_default())
    }
}
