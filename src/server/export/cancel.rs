//! Cancels an export at its requester's request.

use super::running::StopReason;
use super::{Error, Exports, Result};
use crate::model::export::ExportId;
use crate::server::audit::{self, Event};
use crate::server::identity::Caller;
use crate::server::state::exports;

impl Exports {
    /// Cancels a queued or running export, which then has no file. A finished export stays unchanged.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound` if the caller has no such export; `State` if the state cannot be written.
    pub async fn cancel(&self, caller: &Caller, id: ExportId) -> Result<()> {
        self.authorise(caller, "cancel an export").await?;
        self.find_owned(caller, id).await?;
        // `begin` takes the write lock, so the worker cannot claim the export between check and update.
        let mut tx = self.state.begin().await?;
        if exports::cancel_queued(&mut tx, id).await? {
            audit::append(&mut tx, &self.audit_entry_for(caller, Some(id), Event::ExportCancelled)).await?;
            tx.commit().await?;
        } else if let Some(run) = self.running.get(id) {
            run.stop(StopReason::Cancelled);
        }
        Ok(())
    }

    /// Finds one of the caller's exports. Another account's gives `NotFound`, as if it did not exist.
    pub(super) async fn find_owned(&self, caller: &Caller, id: ExportId) -> Result<exports::ExportRow> {
        let row = self.state.export(id).await?.ok_or(Error::NotFound)?;
        // The name must match too: another source may have another person under the same id.
        let is_owner = row.account_id.is_some()
            && row.account_id.as_deref() == caller.account_id()
            && row.requested_by == caller.name;
        if is_owner { Ok(row) } else { Err(Error::NotFound) }
    }
}
