//! Stopping a run on its requester's word.

use super::live::StopReason;
use super::{Error, Exports, Result};
use crate::model::export::ExportId;
use crate::server::audit::{self, Event};
use crate::server::identity::Caller;
use crate::server::state::exports;

impl Exports {
    /// Ends a run without a file. One that is over already stays as it is.
    ///
    /// # Errors
    /// `Refused`, or `NotFound` when it is not the caller's.
    pub async fn cancel(&self, caller: &Caller, id: ExportId) -> Result<()> {
        self.authorise(caller, "cancel an export").await?;
        self.own(caller, id).await?;
        // The write lock keeps a worker from claiming it between look and change.
        let mut tx = self.state.begin().await?;
        if exports::cancel_queued(&mut tx, id).await? {
            audit::append(&mut tx, &self.entry_of(caller, Some(id), Event::ExportCancelled)).await?;
            tx.commit().await?;
        } else if let Some(run) = self.live.get(id) {
            run.stop(StopReason::Cancelled);
        }
        Ok(())
    }

    /// The caller's own export; somebody else's is as unknown as none.
    pub(super) async fn own(&self, caller: &Caller, id: ExportId) -> Result<exports::ExportRow> {
        let row = self.state.export(id).await?.ok_or(Error::NotFound)?;
        // By name too: another source may have another person under the same id.
        let own = row.account_id.is_some() && row.account_id == caller.account_id && row.requested_by == caller.name;
        if own { Ok(row) } else { Err(Error::NotFound) }
    }
}
