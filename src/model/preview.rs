//! What an export would contain: counts, sizes, what is left out.

use serde::{Deserialize, Serialize};

use super::drift::{Drift, Guess, Reclassified};
use super::manifest::SelectedRecords;
use super::name::TableName;
use super::ordered_map::OrderedMap;
use super::redaction::{ExcludedTable, NotIncluded};
use super::text;

/// What an export would contain, before it is requested.
///
/// In the browser, some fields stay empty: what they say, the server renders, and their code need not be downloaded.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Preview {
    /// RFC 3339, UTC: the moment of the snapshot that everything here was read from.
    pub taken_at: String,
    pub file_name: String,
    /// The same export as a command line.
    pub command: String,
    pub tables: Vec<TablePreview>,
    /// Every table that an export of the whole database has, in the order of the file.
    #[serde(default)]
    pub planned: Vec<TableName>,
    /// What there is to say of a part of the database; `None` for the whole.
    #[serde(default)]
    pub part: Option<PartSummary>,
    /// Why each table's records are in the part. For programs, as the words in `part` are.
    #[serde(skip_deserializing, skip_serializing_if = "OrderedMap::is_empty")]
    pub selected_records: OrderedMap<TableName, SelectedRecords>,
    /// Size of everything but the records: metadata and seal.
    pub frame_bytes: u64,
    #[cfg_attr(target_family = "wasm", serde(skip_deserializing))]
    pub excluded: Vec<ExcludedTable>,
    /// Differences between database and profile.
    #[cfg_attr(target_family = "wasm", serde(skip_deserializing))]
    pub drift: Drift,
    /// Without a profile, the guessed class of every column.
    #[cfg_attr(target_family = "wasm", serde(skip_deserializing))]
    pub guesses: Vec<Guess>,
    /// Columns whose guessed class differs from the last export's.
    #[cfg_attr(target_family = "wasm", serde(skip_deserializing))]
    #[serde(default)]
    pub reclassified: Vec<Reclassified>,
    #[cfg_attr(target_family = "wasm", serde(skip_deserializing))]
    pub not_included: Vec<NotIncluded>,
    /// Everything that stays in the database, with the reason: what is excluded, unknown to the profile or not included.
    #[serde(default)]
    pub absent: Vec<NotIncluded>,
    /// How many of these are tables.
    #[serde(default)]
    pub absent_tables: u64,
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

/// A part of the database, in words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartSummary {
    /// The selection as the query of the page's address.
    pub query: String,
    /// The tables that are asked for; empty for all of them.
    pub tables: Vec<TableName>,
    /// About how many records of the database could be exported, once the part is counted.
    pub database_records: Option<u64>,
    /// Whether the filters name no record at all.
    pub is_empty: bool,
    /// Which rule has brought how many records, one line per table. This and what follows is for programs and for what
    /// the server renders: the browser need not download the code to read it.
    #[serde(skip_deserializing)]
    pub sums: Vec<String>,
    /// What stays outside, one line per table and reason.
    #[serde(skip_deserializing)]
    pub outside: Vec<String>,
}

/// One table's line in the preview. `None` means not known yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TablePreview {
    pub name: TableName,
    pub left_out: Vec<String>,
    pub records: Option<u64>,
    /// About how many records, while those of a part are looked for.
    #[serde(default)]
    pub about: Option<u64>,
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
        if self.tables.is_empty() && !self.settled {
            return None;
        }
        self.tables.iter().map(|table| table.records).sum()
    }

    /// About how many records, as long as not every table is counted.
    #[must_use]
    pub fn estimated_records(&self) -> Option<u64> {
        let about = self.tables.iter().map(|table| table.records.or(table.about)).sum::<Option<u64>>()?;
        (about > 0 && self.total_records().is_none()).then_some(about)
    }

    /// All records, or about how many.
    #[must_use]
    pub fn records_text(&self) -> Option<String> {
        self.total_records().map(text::count).or_else(|| self.estimated_records().map(text::about))
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
