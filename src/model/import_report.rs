//! What an import has done.

use serde::{Deserialize, Serialize};

use super::import::{TableEffect, TablePolicies, TableReport};
use super::import_plan::ChangeGroup;

/// What an import has put into the database, or would.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportReport {
    /// False if nothing was written, since only the plan was asked for.
    pub written: bool,
    pub records: u64,
    /// The tables in the order in which they are filled.
    pub tables: Vec<TableReport>,
    /// The triggers of the database that may run.
    pub triggers: Vec<String>,
    /// What becomes of records that are there, in tables of which that was said.
    pub policies: TablePolicies,
    /// What must be decided before the import can be done, one sentence each; only of a dry run.
    pub conflicts: Vec<String>,
    /// What happens to columns that the file and the database do not share, one sentence each.
    pub notes: Vec<String>,
    /// The id by which the import can be undone, if it can.
    pub undo: Option<String>,
    /// The plan's hash, where there was one.
    pub plan: Option<String>,
    /// The plan's changes, by kind.
    pub groups: Vec<ChangeGroup>,
    /// The digest of the file's seal.
    pub sha256: String,
    /// The id of the trusted key that has signed the file.
    pub signed_by: Option<String>,
    /// When the file was made. RFC 3339, UTC.
    pub exported_at: String,
    /// Whether it is an archive that this installation has made for the very person into whose data it goes.
    pub is_own: bool,
    pub duration_ms: u64,
}

impl ImportReport {
    /// What happens to all of the records.
    #[must_use]
    pub fn effect(&self) -> TableEffect {
        self.tables.iter().map(|table| table.effect).sum()
    }
}
