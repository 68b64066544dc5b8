//! The heartbeat of a running job.

use std::convert::Infallible;
use std::time::Instant;

use super::{Fence, HEARTBEAT_INTERVAL, LEASE, Queue};
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
        loop {
            tokio::select! {
                () = tokio::time::sleep(HEARTBEAT_INTERVAL) => {}
                () = self.stop_requested.notified() => {}
            }
            match self.renew(fence, &progress()).await {
                Ok(Heartbeat::Renewed) => renewed_at = Instant::now(),
                Ok(Heartbeat::StopRequested) => {
                    renewed_at = Instant::now();
                    interrupt(Interruption::StopRequested);
                }
                Ok(Heartbeat::Lost) => interrupt(Interruption::LeaseLost),
                Err(error) => {
                    tracing::warn!(job = %fence.id, %error, "the lease of a job could not be renewed");
                    if renewed_at.elapsed() >= LEASE {
                        interrupt(Interruption::LeaseLost);
                    }
                }
            }
        }
    }

    async fn renew(&self, fence: Fence, progress: &str) -> crate::server::state::Result<Heartbeat> {
        self.state.connect().await?.jobs().heartbeat(fence, progress, LEASE).await
    }
}
