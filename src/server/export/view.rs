//! The state of an export, as its requester sees it.

use std::sync::Arc;

use super::{Exports, Result};
use crate::model::export::{ExportId, Progress, RunState, RunView};
use crate::model::preview::Preview;
use crate::server::identity::Caller;
use crate::server::state::Tables;
use crate::server::state::exports::ExportRow;
use crate::server::support::clock::rfc3339;

impl Exports {
    /// Returns one of the caller's exports.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound` if the caller has no such export; `State` if the state cannot be read.
    pub async fn view(&self, caller: &Caller, id: ExportId) -> Result<RunView> {
        let row = self.find_authorised(caller, id, "look at an export").await?;
        self.run_view(&mut *self.state.connect().await?, row).await
    }

    /// The data that the export page opens with: the preview of the part, and the run to show.
    ///
    /// # Errors
    /// As `preview`.
    pub async fn open_page(self: &Arc<Self>, caller: &Caller, part: &str) -> Result<(Preview, Option<RunView>)> {
        let preview = self.preview(caller, part, false, None).await?;
        Ok((preview, self.current_run(caller).await?))
    }

    /// The caller's newest export while it is queued or running, or its file can still be downloaded.
    async fn current_run(&self, caller: &Caller) -> Result<Option<RunView>> {
        let Some(account) = caller.account_id() else { return Ok(None) };
        let mut tables = self.state.connect().await?;
        let row = tables.exports().newest_of_account(account).await?;
        let Some(row) = row else { return Ok(None) };
        let view = self.run_view(&mut *tables, row).await?;
        let is_current = matches!(view.state, RunState::Queued | RunState::Running(_) | RunState::Completed(_));
        Ok(is_current.then_some(view))
    }

    async fn run_view(&self, tables: &mut dyn Tables, row: ExportRow) -> Result<RunView> {
        let state = match row.run_state(&rfc3339(self.clock.now())) {
            RunState::Running(None) => RunState::Running(progress(tables, row.id).await?),
            state => state,
        };
        Ok(RunView { id: row.id, estimated_bytes: row.comparable_estimate(), file_name: row.file_name, state })
    }
}

/// What the last heartbeat stored, from whichever process. None before the first, and if another version of the program
/// stored what this one cannot read.
async fn progress(tables: &mut dyn Tables, id: ExportId) -> Result<Option<Progress>> {
    let stored = tables.jobs().progress(id.0).await?;
    Ok(stored.and_then(|stored| serde_json::from_str(&stored).ok()))
}
