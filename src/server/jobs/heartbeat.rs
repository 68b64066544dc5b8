//! The heartbeat of a running job.

use std::convert::Infallible;
use std::time::Instant;

use super::{Fence, HEARTBEAT_INTERVAL, LEASE, Queue};
use crate::server::state;
use crate::server::state::jobs::Heartbeat;

/// Why a job must stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interruption {
    /// Its requester wants it stopped.
    StopRequested,
    /// The lease is over: another process may have the job, so nothing may be published.
    LeaseLost,
}

impl Queue {
    /// Renews the lease of a job and stores its progress until the future is dropped. Calls `interrupt` when the job
    /// must stop.
    pub async fn keep_lease(
        &self,
        fence: Fence,
        progress: impl Fn() -> String,
        interrupt: impl Fn(Interruption),
    ) -> Infallible {
        let mut renewed_at = Instant::now();
        let mut is_failing = false;
        loop {
            tokio::select! {
                () = tokio::time::sleep(HEARTBEAT_INTERVAL) => {}
                () = self.stop_requested.notified() => {}
            }
            // Whoever waits longer than the lease for the answer has lost it.
            let left = LEASE.saturating_sub(renewed_at.elapsed());
            // The database counts the lease from before its answer arrives here.
            let asked_at = Instant::now();
            let Ok(answer) = tokio::time::timeout(left, self.renew(fence, &progress())).await else {
                interrupt(Interruption::LeaseLost);
                continue;
            };
            let was_failing = std::mem::replace(&mut is_failing, answer.is_err());
            match answer {
                Ok(Heartbeat::Renewed) => renewed_at = asked_at,
                Ok(Heartbeat::StopRequested) => {
                    renewed_at = asked_at;
                    interrupt(Interruption::StopRequested);
                }
                Ok(Heartbeat::Lost) => interrupt(Interruption::LeaseLost),
                // Once, not at every beat.
                Err(error) if !was_failing => {
                    tracing::warn!(job = %fence.id, %error, "the lease of a job could not be renewed");
                }
                Err(_) => {}
            }
        }
    }

    /// Renews the lease once, before something that cannot be undone. Returns why the job must stop, if it must.
    ///
    /// # Errors
    /// `Database` if the state cannot be written.
    pub async fn confirm_lease(&self, fence: Fence, progress: &str) -> state::Result<Option<Interruption>> {
        Ok(match self.renew(fence, progress).await? {
            Heartbeat::Renewed => None,
            Heartbeat::StopRequested => Some(Interruption::StopRequested),
            Heartbeat::Lost => Some(Interruption::LeaseLost),
        })
    }

    async fn renew(&self, fence: Fence, progress: &str) -> state::Result<Heartbeat> {
        self.state.connect().await?.jobs().heartbeat(fence, progress, LEASE).await
    }
}
