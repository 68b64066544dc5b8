//! What the import page shows when it is opened.

use serde::{Deserialize, Serialize};

use super::import_undo::KeptImport;

/// An import or an undo that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningWork {
    pub is_undo: bool,
    pub by: String,
    /// RFC 3339, UTC.
    pub since: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportPageData {
    /// Whether the server was given a database to write to.
    pub is_on: bool,
    /// The database that is written to, and the user who writes: its address without a password.
    pub target: String,
    /// What writes to it at this moment.
    pub running: Vec<RunningWork>,
    /// The largest file that is taken.
    pub max_upload_bytes: u64,
    /// The imports that can be undone, the oldest first.
    pub kept: Vec<KeptImport>,
}
