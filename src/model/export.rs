//! Data about exports that pages, server and command line exchange.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::drift::{Deviations, Drift, Guess, Reclassified};
use super::name::TableName;
use super::redaction::{ExcludedTable, NotIncluded};

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

/// What an export would contain, before it is requested.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Preview {
    /// RFC 3339, UTC: the moment of the snapshot that everything here was read from.
    pub taken_at: String,
    pub file_name: String,
    /// The same export as a command line.
    pub command: String,
    pub tables: Vec<TablePreview>,
    /// Size of everything but the records: metadata and seal.
    pub frame_bytes: u64,
    pub excluded: Vec<ExcludedTable>,
    /// Differences between database and profile.
    pub drift: Drift,
    /// Without a profile, the guessed class of every column.
    pub guesses: Vec<Guess>,
    /// Columns whose guessed class differs from the last export's.
    #[serde(default)]
    pub reclassified: Vec<Reclassified>,
    pub not_included: Vec<NotIncluded>,
    /// Such as "personal and health data of 104 participants".
    pub contains: Option<String>,
    /// Whether writers have to wait while an export reads.
    pub blocks_writers: bool,
    /// False while some tables are still being counted.
    pub settled: bool,
    /// How long an export of this size takes here, once the size is known.
    pub expected_ms: Option<u64>,
    /// Why counting stopped early, as a message for people.
    pub failure: Option<String>,
}

/// One table's line in the preview. `None` means not known yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TablePreview {
    pub name: TableName,
    pub left_out: Vec<String>,
    pub records: Option<u64>,
    pub size: Option<SizeEstimate>,
}

/// A size measured on a sample with the real encoder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SizeEstimate {
    pub bytes: u64,
    pub low_bytes: u64,
    pub high_bytes: u64,
}

impl Preview {
    /// All records, once every table is counted.
    #[must_use]
    pub fn total_records(&self) -> Option<u64> {
        self.tables.iter().map(|table| table.records).sum()
    }

    /// Estimated size of the complete file. The errors of tables are independent, so their intervals add in quadrature.
    #[must_use]
    pub fn total_size(&self) -> Option<SizeEstimate> {
        let sizes: Vec<SizeEstimate> = self.tables.iter().map(|t| t.size).collect::<Option<_>>()?;
        let bytes: u64 = sizes.iter().map(|s| s.bytes).sum::<u64>() + self.frame_bytes;
        #[expect(clippy::cast_precision_loss, reason = "an estimate needs no 53rd bit")]
        let spread = sizes.iter().map(|s| ((s.high_bytes - s.low_bytes) as f64 / 2.0).powi(2)).sum::<f64>().sqrt();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a non-negative byte count")]
        let spread = spread as u64;
        Some(SizeEstimate { bytes, low_bytes: bytes.saturating_sub(spread), high_bytes: bytes + spread })
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
    pub deviations: Deviations,
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
