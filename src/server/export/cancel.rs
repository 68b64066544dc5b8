//! Stopping a run on its requester's word.

use super::live::StopReason;
use super::{Error, Exports, Result};
use crate::model::export::ExportId;
use crate::model::history::Outcome;
use crate::server::audit::{self, Event};
use crate::server::identity::Caller;
use crate::server::state::{self, exports};

impl Exports {
    /// Ends a run without a file. One that is over already stays as it is.
    ///
    /// # Errors
    /// `Refused`, or `NotFound` when it is not the caller's.
    pub async fn cancel(&self, caller: &Caller, id: ExportId) -> Result<()> {
        self.authorise(caller, "cancel an export").await?;
        let row = self.own(caller, id).await?;
        if let Some(run) = self.live.get(id) {
            run.stop(StopReason::Cancelled);
        } else if row.outcome == Outcome::Queued {
            let mut tx = self.state.begin().await?;
            exports::end_without_file(&mut tx, id, None, 0).await?;
            audit::append(&mut tx, &self.entry(&caller.name, Some(id), Event::ExportCancelled)).await?;
            tx.commit().await.map_err(state::Error::from)?;
        }
        Ok(())
    }

    /// The caller's own export; somebody else's is as unknown as none.
    pub(super) async fn own(&self, caller: &Caller, id: ExportId) -> Result<exports::ExportRow> {
        let row = self.state.export(id).await?.ok_or(Error::NotFound)?;
        let own = row.account_id.is_some() && row.account_id == caller.account_id;
        if own { Ok(row) } else { Err(Error::NotFound) }
    }
}
