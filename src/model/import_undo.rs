//! Undoing an import: which ones can be, and what becomes of their records.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::import::ImportMode;
use super::name::TableName;

/// An import that can be undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptImport {
    /// 32 hexadecimal digits: a `UUIDv7`, which begins with the time of the import.
    pub id: String,
    /// When it was. RFC 3339, UTC.
    pub at: String,
    /// The digest of the seal of the file that was imported.
    pub file_sha256: String,
    pub mode: ImportMode,
    /// The id of the person whose data it was into, if it was into one's only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
}

/// What undoing an import does to the records of one table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoneTable {
    pub table: TableName,
    /// Records that the import has created, and that are removed again.
    pub removed: u64,
    /// Records that get the values back that they had before.
    pub restored: u64,
    /// Records that the import has removed, and that are there again.
    #[serde(default)]
    pub returned: u64,
    /// Records that are no longer what the import has made of them: they stay as they are.
    pub changed_since: u64,
    /// The keys of a few of these, where they are known.
    pub examples: Vec<String>,
}

/// What undoing an import has done, or would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoReport {
    pub import: String,
    /// False if nothing was written, since only the plan was asked for.
    pub written: bool,
    pub tables: Vec<UndoneTable>,
    /// SHA-256, hexadecimal, of the numbers above: an undo can be asked to do exactly that.
    pub digest: String,
}

impl UndoneTable {
    /// Records that an undo touches.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.removed + self.restored + self.returned
    }
}

impl UndoReport {
    #[must_use]
    pub fn new(import: String, written: bool, tables: Vec<UndoneTable>) -> Self {
        let counts: Vec<_> = tables
            .iter()
            .map(|table| (&table.table, table.removed, table.restored, table.returned, table.changed_since))
            .collect();
        let digest = hex::encode(Sha256::digest(serde_json::json!([import, counts]).to_string()));
        Self { import, written, tables, digest }
    }
}
