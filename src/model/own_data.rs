//! What people see of their own data.

use serde::{Deserialize, Serialize};

use super::export::ExportId;
use super::history::HistoryEntry;

/// What an export of a person's own data would hold, and what they have exported before.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OwnData {
    /// What is counted, in words, and how many there are; `None` while they are counted.
    pub counts: Vec<(String, Option<u64>)>,
    pub records: Option<u64>,
    /// What belongs to the account and is not in the export, with the reason.
    pub left_out: Vec<String>,
    pub file_name: String,
    /// False while something is still being counted.
    pub settled: bool,
    /// The export that is not finished.
    pub run: Option<ExportId>,
    /// The newest exports of this person.
    pub history: Vec<HistoryEntry>,
    pub failure: Option<String>,
}
