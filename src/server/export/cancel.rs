//! Cancels an export at its requester's request.

use super::{Exports, Result};
use crate::model::export::ExportId;
use crate::model::selection::Selection;
use crate::server::audit::Event;
use crate::server::identity::Caller;
use crate::server::jobs::Stop;

impl Exports {
    /// Cancels a queued or running export, whichever process runs it; it then has no file. A finished export stays
    /// unchanged. Returns what it was to hold.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound` if the caller has no such export; `State` if the state cannot be written.
    pub async fn cancel(&self, caller: &Caller, id: ExportId) -> Result<Selection> {
        let row = self.find_authorised(caller, id, "cancel an export").await?;
        let mut tx = self.state.begin().await?;
        match tx.jobs().request_stop(id.0).await? {
            Stop::Over => {}
            Stop::Requested => {
                tx.commit().await?;
                self.queue.wake_heartbeats();
            }
            Stop::Cancelled => {
                tx.exports().cancel(id, 0).await?;
                self.journal.commit_about(tx, caller.actor(), id, Event::ExportCancelled).await?;
            }
        }
        Ok(row.selection)
    }
}
