//! Jobs: work that a process claims, holds by a lease and finishes once.
//!
//! A worker claims a job for as long as its lease lasts and renews the lease while it works (a heartbeat, which also
//! stores the progress and reads whether a stop was requested). Attempts are counted when a job is claimed, so a crash
//! costs one. Identifier and attempt together are the fence: whoever lost the lease can change nothing any more. Times
//! are those of the database's clock, since the clocks of workers may differ (`docs/architecture.md`).

use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use super::Result;

/// What a job does, and so who can run it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobKind {
    Export,
}

impl JobKind {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Export => "export",
        }
    }
}

/// A job to be queued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewJob {
    pub id: Uuid,
    pub kind: JobKind,
    /// What was asked, as JSON; the kind says its shape.
    pub spec: String,
    /// How often it may be claimed before it has failed.
    pub max_attempts: u32,
}

/// A job that this process may work on while it holds the lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedJob {
    pub fence: Fence,
    pub spec: String,
}

/// Proof of a claim. Changes under an older attempt than the newest are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fence {
    pub id: Uuid,
    /// Starts at 1.
    pub attempt: u32,
}

/// The answer to a heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heartbeat {
    Renewed,
    /// Renewed, and its requester wants it stopped.
    StopRequested,
    /// The job belongs to somebody else by now, or is over: nothing may be published.
    Lost,
}

/// How a job ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobEnd {
    Completed,
    Failed,
    Cancelled,
}

impl JobEnd {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// The answer to a request to stop a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It had not started and never will.
    Cancelled,
    /// It is running; its next heartbeat learns of it.
    Requested,
    /// There is no such job, or it is over.
    Over,
}

/// The jobs of a source. Every method returns `Database` if the database cannot be used.
#[async_trait]
pub trait JobTable: Send {
    async fn insert(&mut self, job: &NewJob) -> Result<()>;

    /// Claims the job that has waited longest, if there is one.
    async fn claim(&mut self, kind: JobKind, worker: &str, lease: Duration) -> Result<Option<ClaimedJob>>;

    /// Claims one job; `None` if it is not waiting.
    async fn claim_one(&mut self, id: Uuid, worker: &str, lease: Duration) -> Result<Option<ClaimedJob>>;

    /// Renews the lease and stores the progress, as JSON.
    async fn heartbeat(&mut self, fence: Fence, progress: &str, lease: Duration) -> Result<Heartbeat>;

    /// Ends a job; returns false if the fence no longer holds.
    async fn finish(&mut self, fence: Fence, end: JobEnd) -> Result<bool>;

    /// Completes a job unless its requester wants it stopped. `Renewed` says that it is complete.
    async fn complete_unless_stopped(&mut self, fence: Fence) -> Result<Heartbeat>;

    async fn request_stop(&mut self, id: Uuid) -> Result<Stop>;

    /// The progress that the last heartbeat stored, as JSON; `None` before the first, and when the job is over.
    async fn progress(&mut self, id: Uuid) -> Result<Option<String>>;

    /// Returns running jobs whose lease is over and that have no attempt left.
    async fn abandoned(&mut self, kind: JobKind) -> Result<Vec<Fence>>;

    /// Returns the workers that hold a lease.
    async fn workers(&mut self) -> Result<Vec<String>>;

    /// Ends the leases of a worker whose process is known to be gone.
    async fn end_leases_of(&mut self, worker: &str) -> Result<()>;
}
