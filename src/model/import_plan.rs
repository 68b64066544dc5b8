//! The plan of an import: what it does to each record, as a sealed file (`docs/import.md`).

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::change_reason::{ChangeReason, RecordAction};
use super::import::{ImportMode, TablePolicies, TableReport};
use super::name::TableName;
use super::ordered_map::OrderedMap;

/// The head of a plan file: what it is a plan of, and what it does in sums.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportPlanHead {
    /// SHA-256, hexadecimal, of file, mode, database, sums, changes and rules.
    pub hash: String,
    /// The digest of the seal of the file that is imported.
    pub file_sha256: String,
    pub file_export_id: String,
    pub mode: ImportMode,
    /// What is imported, if it is not the whole file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<FilePart>,
    /// What becomes of records that are there, in tables of which that was said.
    #[serde(default, skip_serializing_if = "TablePolicies::is_empty")]
    pub policies: TablePolicies,
    /// What must be decided before the import can be done, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<String>,
    /// The database, as its engine identifies it.
    pub target: String,
    pub tables: Vec<TableReport>,
    pub groups: Vec<ChangeGroup>,
    /// What else decides about values.
    pub rules: Vec<ValueRule>,
    /// The triggers of the database that may run.
    pub triggers: Vec<String>,
    /// What happens to columns that the file and the database do not share, one sentence each.
    pub notes: Vec<String>,
}

/// A table of a file, or one record of it, with what it refers to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilePart {
    pub table: TableName,
    /// The columns of its primary key with their values as texts; empty for all records.
    pub key: Vec<(String, String)>,
}

/// For people: `orders 8`.
impl fmt::Display for FilePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_part(f, &self.table, self.key.iter().map(|(_, value)| value.as_str()))
    }
}

/// Writes `orders 8`, or `table orders` without a key.
///
/// # Errors
/// Those of the formatter.
pub fn write_part<'k>(
    f: &mut fmt::Formatter<'_>,
    table: &TableName,
    key: impl Iterator<Item = &'k str>,
) -> fmt::Result {
    let values: Vec<&str> = key.collect();
    if values.is_empty() { write!(f, "table {table}") } else { write!(f, "{table} {}", values.join(", ")) }
}

/// What puts values into records besides the file: a trigger, a default or an expression of the database, the profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValueRule {
    /// Such as `the default of customers.tier`.
    pub name: String,
    /// SHA-256, hexadecimal, of its definition.
    pub sha256: String,
}

/// Changes of one kind: of the same table, to the same columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeGroup {
    pub table: TableName,
    pub action: RecordAction,
    pub reason: ChangeReason,
    /// The columns that change, in the order of the table; empty for new records, and for what is left once there are too many
    /// groups to list.
    pub columns: Vec<String>,
    pub records: u64,
    pub examples: Vec<ChangeExample>,
}

/// One of a group's changes. Values are JSON texts, cut where they are long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeExample {
    pub key: String,
    pub changes: Vec<ValueChange>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValueChange {
    pub column: String,
    pub before: String,
    pub after: String,
}

/// What happens to one record: a record of a plan file.
#[derive(Debug, Deserialize)]
pub struct PlannedChange {
    pub action: RecordAction,
    pub reason: ChangeReason,
    pub key: OrderedMap<String, Box<RawValue>>,
    pub changes: OrderedMap<String, BeforeAndAfter>,
}

/// JSON texts.
#[derive(Debug, Deserialize)]
pub struct BeforeAndAfter {
    pub before: Box<RawValue>,
    pub after: Box<RawValue>,
}

impl PlannedChange {
    /// The values of the key, for people.
    #[must_use]
    pub fn key_text(&self) -> String {
        self.key.iter().map(|(_, value)| value.get()).collect::<Vec<_>>().join(", ")
    }

    /// The key with its columns, for people: `id=7`.
    #[must_use]
    pub fn named_key(&self) -> String {
        let named: Vec<String> = self.key.iter().map(|(column, value)| format!("{column}={}", value.get())).collect();
        named.join(", ")
    }
}
