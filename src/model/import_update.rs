//! What the server says while it plans, imports or undoes: one line of JSON each.

use serde::{Deserialize, Serialize};

use super::error::ApiError;
use super::import_report::ImportReport;
use super::import_undo::UndoReport;

/// A line of an answer. The last one is neither `Records` nor followed by another line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportUpdate {
    /// How many records were read so far.
    Records(u64),
    /// The plan follows, with this number of bytes: a sealed document.
    Plan(u64),
    Imported(Box<ImportReport>),
    Undone(UndoReport),
    /// It was not done.
    Problem(ApiError),
    /// It was done, or it was not: what is known of it.
    Unknown(String),
}
