//! Exports, from the request to the expiry of the file: what history shows, also long after the job is gone. The job
//! says who runs it and how far it is; both change in one transaction.

use async_trait::async_trait;

use super::Result;
use crate::model::artifact_name::ArtifactName;
use crate::model::channel::Channel;
use crate::model::drift::Guess;
use crate::model::export::{ExportId, ExportSummary, Failure, RunState};
use crate::model::output::Compression;
use crate::model::selection::{ScopeKind, Selection};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportRow {
    pub id: ExportId,
    /// RFC 3339, UTC.
    pub requested_at: String,
    /// The account in the source; none for the command line.
    pub account_id: Option<String>,
    pub requested_by: String,
    pub channel: Channel,
    pub selection: Selection,
    pub file_name: String,
    pub compression: Compression,
    pub estimated_bytes: Option<u64>,
    pub downloads: u64,
    pub state: ExportState,
}

/// How far an export is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExportState {
    Queued,
    Running,
    Completed(Completion),
    Failed {
        failure: Failure,
        /// None if the process was killed.
        duration_ms: Option<u64>,
    },
    Cancelled {
        duration_ms: Option<u64>,
    },
}

/// A written and sealed file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    pub summary: ExportSummary,
    /// The name of the artefact; none for the command line's files, and once it is removed.
    pub artifact: Option<ArtifactName>,
}

/// The stored word for an `ExportState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportStatus {
    Queued,
    Running,
    Completed,
    Failed,
    Cancelled,
}

/// Unfinished exports that were requested on the web page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unfinished {
    pub all: u64,
    /// Those of one account.
    pub own: u64,
    /// Those of people's own data.
    pub of_persons: u64,
}

impl ExportRow {
    /// The size that the preview estimated; none for a compressed file, which the preview does not estimate.
    #[must_use]
    pub fn comparable_estimate(&self) -> Option<u64> {
        self.estimated_bytes.filter(|_| self.compression == Compression::None)
    }

    /// The artefact, until it is removed.
    #[must_use]
    pub fn artifact(&self) -> Option<&ArtifactName> {
        self.state.completion().and_then(|completion| completion.artifact.as_ref())
    }

    /// Whether a completed export's file can no longer be downloaded. `now` is RFC 3339, UTC.
    #[must_use]
    pub fn is_expired(&self, now: &str) -> bool {
        let expires_at = self.state.completion().and_then(|completion| completion.summary.expires_at.as_deref());
        expires_at.is_none_or(|expires| expires <= now)
    }

    /// Whether its file can be downloaded now.
    #[must_use]
    pub fn is_available(&self, now: &str) -> bool {
        self.artifact().is_some() && !self.is_expired(now)
    }

    /// The state as users see it. A running export's progress is in its job.
    #[must_use]
    pub fn run_state(&self, now: &str) -> RunState {
        match &self.state {
            ExportState::Queued => RunState::Queued,
            ExportState::Running => RunState::Running(None),
            ExportState::Cancelled { duration_ms } => RunState::Cancelled { duration_ms: *duration_ms },
            ExportState::Failed { failure, duration_ms } => {
                RunState::Failed { failure: failure.clone(), duration_ms: *duration_ms }
            }
            ExportState::Completed(Completion { summary, .. }) => {
                let had_artifact = summary.expires_at.is_some();
                let is_gone = had_artifact && !self.is_available(now);
                if is_gone { RunState::Expired(summary.clone()) } else { RunState::Completed(summary.clone()) }
            }
        }
    }
}

impl ExportState {
    #[must_use]
    pub fn status(&self) -> ExportStatus {
        match self {
            Self::Queued => ExportStatus::Queued,
            Self::Running => ExportStatus::Running,
            Self::Completed(_) => ExportStatus::Completed,
            Self::Failed { .. } => ExportStatus::Failed,
            Self::Cancelled { .. } => ExportStatus::Cancelled,
        }
    }

    #[must_use]
    pub fn completion(&self) -> Option<&Completion> {
        if let Self::Completed(completion) = self { Some(completion) } else { None }
    }
}

impl ExportStatus {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Parses the output of `as_str`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Queued, Self::Running, Self::Completed, Self::Failed, Self::Cancelled]
            .into_iter()
            .find(|status| status.as_str() == text)
    }
}

/// The exports of a source. Every method returns `Database` if the database cannot be used, and `Corrupt` if a row
/// cannot be decoded.
#[async_trait]
pub trait ExportTable: Send {
    async fn find(&mut self, id: ExportId) -> Result<Option<ExportRow>>;

    /// Returns the newest export that an account requested on the web page.
    async fn newest_of_account(&mut self, account_id: &str) -> Result<Option<ExportRow>>;

    /// Returns the export whose seal has this digest; the newest, if several have the same content and time.
    async fn find_by_digest(&mut self, sha256: &str) -> Result<Option<ExportRow>>;

    /// Returns the newest exports of an organisation or a person, newest first.
    async fn of_scope(&mut self, kind: ScopeKind, id: &str, limit: u32) -> Result<Vec<ExportRow>>;

    /// Returns one page, newest first.
    async fn page(&mut self, offset: u64, limit: u32) -> Result<Vec<ExportRow>>;

    async fn count(&mut self) -> Result<u64>;

    /// Counts the queued or running exports of the web page.
    async fn count_unfinished(&mut self, account_id: Option<&str>) -> Result<Unfinished>;

    /// Returns the exports whose artefact was not removed yet, oldest first.
    async fn with_artifact(&mut self) -> Result<Vec<ExportRow>>;

    /// Returns the unfinished exports of the web page that no job will run, as a version without jobs leaves them.
    async fn without_job(&mut self) -> Result<Vec<ExportRow>>;

    /// Returns the guesses of the last export without a profile; empty if there is none.
    async fn last_guesses(&mut self) -> Result<Vec<Guess>>;

    /// Inserts a queued export.
    async fn insert(&mut self, row: &ExportRow) -> Result<()>;

    async fn mark_running(&mut self, id: ExportId) -> Result<()>;

    /// Ends an export with its file.
    async fn complete(&mut self, id: ExportId, completion: &Completion, guesses: &[Guess]) -> Result<()>;

    /// Ends an export without a file.
    async fn fail(&mut self, id: ExportId, failure: &Failure, duration_ms: Option<u64>) -> Result<()>;

    /// Ends an export at its requester's request.
    async fn cancel(&mut self, id: ExportId, duration_ms: u64) -> Result<()>;

    async fn count_download(&mut self, id: ExportId) -> Result<()>;

    /// Clears the name of a removed artefact.
    async fn clear_artifact(&mut self, id: ExportId) -> Result<()>;
}
