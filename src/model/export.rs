//! What page, server and command line say to each other about an export.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::drift::{Deviations, Drift, Guess, Reclassified};
use super::redaction::{ExcludedTable, NotIncluded};

/// Names one export for good (UUID version 7: sorts by time).
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

/// How a file is packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    #[default]
    None,
    Gzip,
    Zstd,
}

impl Compression {
    pub const ALL: [Self; 3] = [Self::None, Self::Gzip, Self::Zstd];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// What a file's name ends with after `.json`.
    #[must_use]
    pub fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => ".gz",
            Self::Zstd => ".zst",
        }
    }

    /// Reads what `as_str` wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|compression| compression.as_str() == text)
    }

    /// How a file of that name is packed.
    #[must_use]
    pub fn of_file(name: &str) -> Self {
        let packed = [Self::Gzip, Self::Zstd].into_iter().find(|packed| name.ends_with(packed.suffix()));
        packed.unwrap_or_default()
    }
}

/// What an export would hold, before it is asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Preview {
    /// RFC 3339, UTC: the moment of the snapshot that everything here was read from.
    pub taken_at: String,
    pub file_name: String,
    /// The same export as a command line.
    pub command: String,
    pub tables: Vec<TablePreview>,
    /// What the file holds beside records: metadata and seal.
    pub frame_bytes: u64,
    pub excluded: Vec<ExcludedTable>,
    /// In what database and profile have grown apart.
    pub drift: Drift,
    /// Where nobody has written a profile: every column's class, guessed.
    pub guesses: Vec<Guess>,
    /// What is guessed otherwise than for the last export.
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
    /// Why counting stopped before its end, for people.
    pub failure: Option<String>,
}

/// One table's line in the preview. `None` means not known yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TablePreview {
    pub name: String,
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

    /// The whole file. Tables err independently, so their bands add as squares.
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

/// The answer to a request: the run has its id and its file's name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Requested {
    pub id: ExportId,
    pub file_name: String,
}

/// One run as its requester sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunView {
    pub id: ExportId,
    pub file_name: String,
    /// The size that the preview gave, if there was one.
    pub estimated_bytes: Option<u64>,
    pub state: RunState,
}

/// A run's life: `Queued -> Running -> Completed | Failed | Cancelled`, and `Completed -> Expired`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    Queued,
    Running(Progress),
    Completed(ExportSummary),
    Failed(Failure),
    Cancelled,
    Expired,
}

impl RunState {
    /// Whether this is how it stays (but for a completed run's file, which expires).
    #[must_use]
    pub fn is_over(&self) -> bool {
        !matches!(self, Self::Queued | Self::Running(_))
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The table in hand; empty while counting.
    pub table: String,
    pub records: u64,
    pub total_records: u64,
    pub bytes: u64,
    pub estimated_bytes: u64,
    pub elapsed_ms: u64,
}

/// What a finished, sealed export holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportSummary {
    pub records: u64,
    pub tables: u64,
    pub bytes: u64,
    /// The seal's own digest, hexadecimal: what history keeps and `verify --sha256` asks for.
    pub sha256: String,
    pub duration_ms: u64,
    /// When the file is removed (RFC 3339, UTC), where there is such a time.
    pub expires_at: Option<String>,
    /// Where database, profile and the export before differ.
    #[serde(default)]
    pub deviations: Deviations,
}

/// What an export does where database and profile have grown apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DriftPolicy {
    /// Exports what the profile knows, and says aloud what that leaves out.
    #[default]
    Report,
    /// Writes nothing.
    Refuse,
    /// Exports what the profile knows, tables that are gone included, as if nothing were the matter.
    Allow,
}

/// Why a run ended without a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// One or two sentences for people: what failed, where, what to do. No SQL, path, host or value.
    pub message: String,
    /// Finds the cause in the server's log.
    pub reference: String,
}
