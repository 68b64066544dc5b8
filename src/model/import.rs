//! What an import does with records that are there already, and what it has done.

use serde::{Deserialize, Serialize};

use super::name::TableName;

/// What an import expects of the tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImportMode {
    /// Every table that the file has is empty.
    #[default]
    RequireEmpty,
    /// The file's records are new: a key that is there already ends the import.
    Append,
    /// A record whose key is there already replaces what differs; the others are new.
    Merge,
}

/// What happens to the records of one table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableEffect {
    pub created: u64,
    pub updated: u64,
    pub unchanged: u64,
}

impl TableEffect {
    /// All records of the file.
    #[must_use]
    pub fn total(self) -> u64 {
        self.created + self.updated + self.unchanged
    }
}

/// What happens to one table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TableReport {
    pub table: TableName,
    #[serde(flatten)]
    pub effect: TableEffect,
}

/// What an import has put into the database, or would.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ImportReport {
    /// False if nothing was written, since only the plan was asked for.
    pub written: bool,
    pub records: u64,
    /// The tables in the order in which they are filled.
    pub tables: Vec<TableReport>,
    /// The triggers of the database that may run.
    pub triggers: Vec<String>,
    /// What happens to columns that the file and the database do not share, one sentence each.
    pub notes: Vec<String>,
    /// The digest of the file's seal.
    pub sha256: String,
    /// The id of the trusted key that has signed the file.
    pub signed_by: Option<String>,
    pub duration_ms: u64,
}

impl ImportReport {
    /// What happens to all of the records.
    #[must_use]
    pub fn effect(&self) -> TableEffect {
        self.tables.iter().fold(TableEffect::default(), |sum, TableReport { effect, .. }| TableEffect {
            created: sum.created + effect.created,
            updated: sum.updated + effect.updated,
            unchanged: sum.unchanged + effect.unchanged,
        })
    }
}
