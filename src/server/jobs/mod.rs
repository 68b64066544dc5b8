//! The queue of jobs, and this process as a worker: claims, heartbeats, and the leases of workers that are gone.
//!
//! May import: `state`, `support`, `model`. Flow: a use case inserts a job in its own transaction and calls
//! `Queue::wake_worker`; a worker claims it and works while `Queue::keep_lease` renews the
//! lease, and finishes the job in the transaction that records its effect. `Queue::end_leases_of_dead_workers` frees
//! what killed processes of this machine held, without waiting for the leases to run out.

mod heartbeat;
mod worker_lock;

use std::time::Duration;

use tokio::sync::{Notify, OnceCell};

use super::state::jobs::JobKind;
use super::state::{self, SourceState, Tx};
use super::support::private_folder::{self, PrivateFolder};
use super::support::random::{Random, new_token};

pub use super::state::jobs::{ClaimedJob, Fence, JobEnd, NewJob, Stop};
pub use heartbeat::Interruption;
use worker_lock::WorkerLock;

/// How long a worker may be silent before its job counts as abandoned.
pub const LEASE: Duration = Duration::from_secs(30);
/// How often a worker renews its lease, stores its progress and reads whether to stop: as often as a progress bar visibly
/// moves.
const HEARTBEAT_INTERVAL: Duration = Duration::from_millis(200);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    State(#[from] state::Error),
    #[error(transparent)]
    Lock(#[from] private_folder::Error),
}

/// The jobs of one source, as this process sees them.
pub struct Queue {
    state: SourceState,
    /// Where the locks of this machine's workers are.
    locks: PrivateFolder,
    /// The name of this process among workers.
    worker: String,
    /// Held from the first claim until the process ends.
    lock: OnceCell<WorkerLock>,
    /// Notified when a job was queued, for the worker that waits.
    queued: Notify,
    /// Notified when a job is to stop, so that its heartbeat does not wait for the next interval.
    stop_requested: Notify,
}

impl Queue {
    #[must_use]
    pub fn new(state: SourceState, locks: PrivateFolder, random: &dyn Random) -> Self {
        let worker = new_token(random);
        Self { state, locks, worker, lock: OnceCell::new(), queued: Notify::new(), stop_requested: Notify::new() }
    }

    /// Tells the worker of this process that a job was queued.
    pub fn wake_worker(&self) {
        self.queued.notify_one();
    }

    /// Waits until a job was queued.
    pub async fn job_queued(&self) {
        self.queued.notified().await;
    }

    /// Makes every job of this process look at once whether it is to stop.
    pub fn wake_heartbeats(&self) {
        self.stop_requested.notify_waiters();
    }

    /// Claims the job that has waited longest.
    ///
    /// # Errors
    /// `State` if the state cannot be written; `Lock` if the lock of this worker cannot be taken.
    pub async fn claim(&self, tx: &mut dyn Tx, kind: JobKind) -> Result<Option<ClaimedJob>, Error> {
        let worker = self.worker().await?;
        Ok(tx.jobs().claim(kind, worker, LEASE).await?)
    }

    /// Claims one job, which this process has just queued.
    ///
    /// # Errors
    /// As `claim`.
    pub async fn claim_one(&self, tx: &mut dyn Tx, id: uuid::Uuid) -> Result<Option<ClaimedJob>, Error> {
        let worker = self.worker().await?;
        Ok(tx.jobs().claim_one(id, worker, LEASE).await?)
    }

    /// The name under which this process claims jobs. Its lock shows to other processes that it is alive.
    async fn worker(&self) -> Result<&str, Error> {
        self.lock.get_or_try_init(|| async { WorkerLock::take(&self.locks, &self.worker) }).await?;
        Ok(&self.worker)
    }

    /// Ends the leases of workers whose process is gone, and removes their locks.
    ///
    /// # Errors
    /// `State` if the state cannot be read or written; `Lock` if a lock cannot be removed.
    pub async fn end_leases_of_dead_workers(&self) -> Result<(), Error> {
        let workers = self.state.connect().await?.jobs().workers().await?;
        for worker in
            workers.iter().filter(|worker| **worker != self.worker && worker_lock::is_free(&self.locks, worker))
        {
            self.state.connect().await?.jobs().end_leases_of(worker).await?;
        }
        Ok(worker_lock::remove_stale(&self.locks)?)
    }
}
