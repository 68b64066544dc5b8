//! Exports, from the request to the expiry of the file: what history shows, also long after the job is gone. The job
//! says who runs it and how far it is; both change in one transaction.

use async_trait::async_trait;

use super::Result;
use crate::model::channel::Channel;
use crate::model::drift::Guess;
use crate::model::export::{ExportId, ExportSummary, Failure};
use crate::model::history::RunStatus;
use crate::model::output::Compression;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportRow {
    pub id: ExportId,
    /// RFC 3339, UTC.
    pub requested_at: String,
    /// The account in the source; none for the command line.
    pub account_id: Option<String>,
    pub requested_by: String,
    pub channel: Channel,
    pub scope: String,
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
    Failed(Failed),
    Cancelled { duration_ms: Option<u64> },
}

/// A written and sealed file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    pub summary: ExportSummary,
    /// The name of the artefact; none for the command line's files, and once it is removed.
    pub artifact: Option<String>,
}

/// An export that has no file, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    pub failure: Failure,
    /// None if the process was killed.
    pub duration_ms: Option<u64>,
}

/// Unfinished exports that were requested on the web page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unfinished {
    pub all: u64,
    /// Those of one account.
    pub own: u64,
}

impl ExportRow {
    /// The size that the preview estimated; none for a compressed file, which the preview does not estimate.
    #[must_use]
    pub fn comparable_estimate(&self) -> Option<u64> {
        self.estimated_bytes.filter(|_| self.compression == Compression::None)
    }

    /// The artefact, until it is removed.
    #[must_use]
    pub fn artifact(&self) -> Option<&str> {
        self.state.completion().and_then(|completion| completion.artifact.as_deref())
    }
}

impl ExportState {
    #[must_use]
    pub fn status(&self) -> RunStatus {
        match self {
            Self::Queued => RunStatus::Queued,
            Self::Running => RunStatus::Running,
            Self::Completed(_) => RunStatus::Completed,
            Self::Failed(_) => RunStatus::Failed,
            Self::Cancelled { .. } => RunStatus::Cancelled,
        }
    }

    #[must_use]
    pub fn completion(&self) -> Option<&Completion> {
        if let Self::Completed(completion) = self { Some(completion) } else { None }
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
    async fn fail(&mut self, id: ExportId, failed: &Failed) -> Result<()>;

    /// Ends an export at its requester's request.
    async fn cancel(&mut self, id: ExportId, duration_ms: u64) -> Result<()>;

    async fn count_download(&mut self, id: ExportId) -> Result<()>;

    /// Clears the name of a removed artefact.
    async fn clear_artifact(&mut self, id: ExportId) -> Result<()>;
}
