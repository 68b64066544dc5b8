//! What the import page shows when it is opened.

use serde::{Deserialize, Serialize};

use super::import_undo::KeptImport;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportPageData {
    /// Whether the server was given a database to write to.
    pub is_on: bool,
    /// The largest file that is taken.
    pub max_upload_bytes: u64,
    /// Whether imports can be undone there.
    pub can_undo: bool,
    /// The imports that can be undone, the oldest first.
    pub kept: Vec<KeptImport>,
}
