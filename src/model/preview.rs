//! What an export would contain: counts, sizes, what is left out.

use serde::{Deserialize, Serialize};

use super::drift::{Drift, Guess, Reclassified};
use super::name::TableName;
use super::redaction::{ExcludedTable, NotIncluded};

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
