//! The state of an export, as its requester sees it.

use std::sync::Arc;

use super::plan::file_name;
use super::{Exports, Result};
use crate::model::export::{Compression, ExportId, ExportSummary, Failure, Preview, Progress, RunState, RunView};
use crate::model::history::RunStatus;
use crate::server::guide;
use crate::server::identity::Caller;
use crate::server::state::exports::ExportRow;
use crate::server::support::clock::rfc3339;

impl Exports {
    /// Returns one of the caller's exports.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound` if the caller has no such export; `State` if the state cannot be read.
    pub async fn view(&self, caller: &Caller, id: ExportId) -> Result<RunView> {
        self.authorise(caller, "look at an export").await?;
        let row = self.find_owned(caller, id).await?;
        Ok(self.run_view(row))
    }

    /// The caller's newest export while it is queued or running, or its file can still be downloaded.
    ///
    /// # Errors
    /// `Forbidden`; `State` if the state cannot be read.
    async fn current_run(&self, caller: &Caller) -> Result<Option<RunView>> {
        self.authorise(caller, "look at an export").await?;
        let Some(account) = caller.account_id() else { return Ok(None) };
        let row = self.state.newest_export_of(account).await?;
        let view = row.map(|row| self.run_view(row));
        Ok(view.filter(|view| matches!(view.state, RunState::Queued | RunState::Running(_) | RunState::Completed(_))))
    }

    /// The data that the export page opens with: the preview, and the run to show.
    ///
    /// # Errors
    /// `Forbidden`; `State` if the state cannot be read.
    pub async fn open_page(self: &Arc<Self>, caller: &Caller) -> Result<(Preview, Option<RunView>)> {
        let preview = self.preview(caller, false).await?;
        Ok((preview, self.current_run(caller).await?))
    }

    /// Returns the analysis guide as HTML. It names the caller's newest file if that is complete, else the next one.
    ///
    /// # Errors
    /// `Forbidden`; `State` if the state cannot be read.
    pub async fn guide(&self, caller: &Caller) -> Result<String> {
        self.authorise(caller, "read the guide").await?;
        let account = caller.account_id().unwrap_or_default();
        let newest = self.state.newest_export_of(account).await?;
        let done = newest.filter(|row| row.status == RunStatus::Completed).map(|row| row.file_name);
        let name = done.unwrap_or_else(|| file_name(&self.profile, self.clock.now(), Compression::None));
        Ok(guide::html(&name, &self.profile.name))
    }

    fn run_view(&self, row: ExportRow) -> RunView {
        let estimated_bytes = row.comparable_estimate();
        let state = match row.status {
            RunStatus::Queued => RunState::Queued,
            RunStatus::Running => {
                RunState::Running(self.running.get(row.id).map_or_else(Progress::default, |run| run.progress()))
            }
            RunStatus::Cancelled => RunState::Cancelled,
            RunStatus::Failed => RunState::Failed(Failure {
                message: row.message.unwrap_or_default(),
                reference: row.reference.unwrap_or_default(),
            }),
            RunStatus::Completed if row.artifact.is_none() || self.is_expired(row.expires_at.as_deref()) => {
                RunState::Expired
            }
            RunStatus::Completed => RunState::Completed(ExportSummary {
                records: row.records.unwrap_or_default(),
                tables: row.tables.unwrap_or_default(),
                bytes: row.bytes.unwrap_or_default(),
                sha256: row.sha256.unwrap_or_default(),
                duration_ms: row.duration_ms.unwrap_or_default(),
                expires_at: row.expires_at,
                deviations: row.deviations,
            }),
        };
        RunView { id: row.id, file_name: row.file_name, estimated_bytes, state }
    }

    pub(super) fn is_expired(&self, expires_at: Option<&str>) -> bool {
        expires_at.is_none_or(|expires| expires <= rfc3339(self.clock.now()).as_str())
    }
}
