//! Runs of exports, as pages, server and command line exchange them.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::drift::Deviations;
use super::name::TableName;

/// The permanent id of one export (UUID version 7: sorts by time).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExportId(pub Uuid);

impl std::fmt::Display for ExportId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for ExportId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        text.parse().map(Self)
    }
}

/// The response to an export request: the id of the run and the name of its file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueuedExport {
    pub id: ExportId,
    pub file_name: String,
}

/// One run as its requester sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunView {
    pub id: ExportId,
    pub file_name: String,
    /// The size that the preview estimated, if there was one.
    pub estimated_bytes: Option<u64>,
    pub state: RunState,
}

/// The state of a run: `Queued -> Running -> Completed | Failed | Cancelled`, and `Completed -> Expired`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    Queued,
    /// With what the run last reported; none before its first report.
    Running(Option<Progress>),
    Completed(ExportSummary),
    /// Completed, and the server has removed its file.
    Expired(ExportSummary),
    Failed {
        failure: Failure,
        /// None if the process was killed.
        duration_ms: Option<u64>,
    },
    Cancelled {
        duration_ms: Option<u64>,
    },
}

impl RunState {
    /// Whether the run has ended. Only `Completed` can still change, when its file expires.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        !matches!(self, Self::Queued | Self::Running(_))
    }

    /// What the sealed file holds or held.
    #[must_use]
    pub fn summary(&self) -> Option<&ExportSummary> {
        match self {
            Self::Completed(summary) | Self::Expired(summary) => Some(summary),
            Self::Queued | Self::Running(_) | Self::Failed { .. } | Self::Cancelled { .. } => None,
        }
    }

    /// The duration of a run that has ended in a known way; none for a killed one.
    #[must_use]
    pub fn duration_ms(&self) -> Option<u64> {
        match self {
            Self::Queued | Self::Running(_) => None,
            Self::Completed(summary) | Self::Expired(summary) => Some(summary.duration_ms),
            Self::Failed { duration_ms, .. } | Self::Cancelled { duration_ms } => *duration_ms,
        }
    }
}

/// How far a running export is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    pub elapsed_ms: u64,
    pub stage: Stage,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Reads the schema and counts the records of every table.
    Counting,
    Writing {
        table: TableName,
        records: u64,
        total_records: u64,
        bytes: u64,
    },
}

/// What a finished, sealed export holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportSummary {
    pub records: u64,
    pub tables: u64,
    pub bytes: u64,
    /// The digest of the seal, hexadecimal: the one that history stores and `verify --sha256` expects.
    pub sha256: String,
    pub duration_ms: u64,
    /// When the file is removed (RFC 3339, UTC); `None` if it does not expire.
    pub expires_at: Option<String>,
    /// Differences of the database from the profile and the previous export.
    #[serde(default)]
    pub deviations: Box<Deviations>,
}

/// What an export does when database and profile differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftPolicy {
    /// Exports what the profile knows, and reports what that leaves out.
    #[default]
    Report,
    /// Writes nothing.
    Refuse,
    /// Exports what the profile knows, even if tables are missing, and counts as success.
    Allow,
}

/// Why a run ended without a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// One or two sentences for people: what failed, where, what to do. No SQL, path, host or value.
    pub message: String,
    /// Finds the cause in the server's log. Runs that were killed before references existed have none.
    pub reference: Option<String>,
}
