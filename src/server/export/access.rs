//! Re-checks, while an export runs, that its requester may still have what it holds: the run of a demoted admin, or of an
//! owner who owns the organisation no more, stops.

use std::convert::Infallible;
use std::time::Duration;

use super::running::{RunningExport, StopReason};
use super::{Error, Exports, Result};
use crate::model::access::Grant;
use crate::model::channel::Channel;
use crate::server::identity::Forbidden;
use crate::server::source;
use crate::server::state::exports::ExportRow;

/// How often a run re-checks its requester's role.
const ROLE_CHECK_INTERVAL: Duration = Duration::from_secs(2);
/// Timeout of that check. The run stops when it expires, since the role may have been revoked.
const ROLE_CHECK_TIMEOUT: Duration = Duration::from_secs(3);

impl Exports {
    /// # Errors
    /// `Forbidden`, or the error that kept the role from being read. The command line has no role to lose.
    pub(super) async fn recheck_access(&self, row: &ExportRow) -> Result<()> {
        if row.channel == Channel::CommandLine {
            return Ok(());
        }
        let account = row.account_id.as_deref().ok_or(Forbidden)?;
        let lookup = tokio::time::timeout(ROLE_CHECK_TIMEOUT, self.identity.find_run_caller(account));
        let caller = lookup.await.map_err(|_| Error::Source(source::Error::stalled()))??;
        let Grant { capability, scope } = Grant::to_export(&row.selection);
        let allowed = caller.is_some_and(|caller| {
            // Somebody else may have the id by now.
            caller.name == row.requested_by && caller.require(capability, &scope).is_ok()
        });
        if allowed { Ok(()) } else { Err(Forbidden.into()) }
    }

    /// Stops the run once its requester may no longer export.
    pub(super) async fn watch_access(&self, row: &ExportRow, running: &RunningExport) -> Infallible {
        loop {
            tokio::time::sleep(ROLE_CHECK_INTERVAL).await;
            if let Err(error) = self.recheck_access(row).await {
                running.stop(StopReason::from_access_error(&error));
            }
        }
    }
}
