//! A file's `metadata` and `integrity`: record counts announced at its start and confirmed by the seal at its end.

use serde::{Deserialize, Serialize};

use super::catalog::TableSchema;
use super::import_plan::ImportPlanHead;
use super::name::TableName;
use super::ordered_map::OrderedMap;
use super::redaction::{NotIncluded, Redaction};

/// The format version that this build writes, and the newest that it reads.
pub const FORMAT_VERSION: u32 = 2;

/// The metadata at the start of a file. Field names and their order are part of the format.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// RFC 3339, UTC.
    pub exported_at: String,
    pub export_type: ExportType,
    pub version: String,
    /// The values of each filter of a part, and its tables; empty for the whole database.
    pub filters_applied: OrderedMap<String, Vec<String>>,
    pub record_counts: OrderedMap<TableName, u64>,
    pub total_records: u64,
    /// The account's id, or `cli:<user>`; the name is in history and audit.
    pub exported_by: String,
    pub format_version: u32,
    pub export_id: String,
    pub order: RecordOrder,
    /// Of a part: why the records are in.
    #[serde(default, skip_serializing_if = "OrderedMap::is_empty")]
    pub selected_records: OrderedMap<TableName, SelectedRecords>,
    pub generator: Generator,
    pub source: SourceDescription,
    #[serde(default)]
    pub redaction: Redaction,
    #[serde(default)]
    pub not_included: Vec<NotIncluded>,
    /// How many files that records refer to are not in the archive, if any; its manifest lists them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing_media: Option<u64>,
    pub audit: AuditHead,
    pub schema: OrderedMap<TableName, TableSchema>,
    /// Of the seal of a folder, whose only table lists the folder's files: what these hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contents: Option<Contents>,
    /// Of the plan of an import, whose records are what it does to each record of the database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub import_plan: Option<ImportPlanHead>,
}

/// What a reader of a folder's seal needs to know of the folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentsSummary {
    pub layout: String,
}

/// What a reader needs to know of a plan to tell it from an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportPlanSummary {
    pub hash: String,
}

/// The records in the files of a folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Contents {
    /// The product whose layout the files have.
    pub layout: String,
    pub record_counts: OrderedMap<TableName, u64>,
    pub total_records: u64,
    /// The columns that the files' records were made of.
    pub schema: OrderedMap<TableName, TableSchema>,
}

/// Why the records of a table are in a part of the database, and how many are not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SelectedRecords {
    /// Records that the selection names.
    pub asked_for: u64,
    /// Further records that others refer to.
    pub came_along: u64,
    /// Records that stay outside, of which only the key and a few columns are in. They are the last ones of their table;
    /// all other columns are null, whatever they hold in the database.
    #[serde(skip_serializing_if = "is_default")]
    pub stubs: u64,
    /// How many records each rule has brought, in the order of the rules. They add up to the three numbers above.
    #[serde(skip_serializing_if = "OrderedMap::is_empty")]
    pub by_rule: OrderedMap<String, u64>,
    /// Columns in which a reference is null if it leads outside, whatever the database holds. Older files do not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emptied_references: Option<Vec<String>>,
    /// Records that stay outside since one of their owners belongs and another one does not.
    #[serde(skip_serializing_if = "is_default")]
    pub owners_disagree: u64,
    /// Records that stay outside since they belong to nobody.
    #[serde(skip_serializing_if = "is_default")]
    pub nobodys: u64,
}

/// The rule of tables that no filter reaches, or that are nobody's.
pub const WHOLE_TABLE: &str = "whole table";

impl SelectedRecords {
    /// The number of records in the file.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.asked_for + self.came_along + self.stubs
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The part of the metadata that is needed to verify a file and to describe it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MetadataSummary {
    pub format_version: u32,
    /// Empty for the whole database.
    #[serde(default)]
    pub filters_applied: OrderedMap<String, Vec<String>>,
    /// Of the seal of a folder.
    #[serde(default)]
    pub contents: Option<ContentsSummary>,
    /// Of the plan of an import.
    #[serde(default)]
    pub import_plan: Option<ImportPlanSummary>,
    pub exported_at: String,
    pub exported_by: String,
    pub record_counts: OrderedMap<TableName, u64>,
    pub total_records: u64,
    pub generator: Generator,
    pub source: SourceSummary,
    #[serde(default)]
    pub redaction: RedactionSummary,
    #[serde(default)]
    pub missing_media: Option<u64>,
    pub export_id: String,
    pub schema: OrderedMap<TableName, ColumnNames>,
}

/// The names of a table's columns, which are the keys of its records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnNames {
    pub columns: Vec<ColumnName>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnName {
    pub name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceSummary {
    pub name: String,
    pub engine: String,
    pub engine_version: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RedactionSummary {
    pub removed_fields: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExportType {
    Full,
    Segmented,
    /// No export: what an import would do.
    ImportPlan,
}

impl ExportType {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Segmented => "segmented",
            Self::ImportPlan => "import-plan",
        }
    }

    /// Parses the output of `as_str`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Full, Self::Segmented].into_iter().find(|export_type| export_type.as_str() == text)
    }
}

/// The order of a table's records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecordOrder {
    /// As they lie on disk: the fastest scan.
    #[default]
    Storage,
    /// By primary key, so that two files of the same data can be compared line by line.
    Key,
}

/// The head of the exporting installation's audit trail when an export began. A kept file shows whether the trail was
/// shortened or rewritten since.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditHead {
    /// The number of the newest entry.
    pub entries: u64,
    /// Its hash, hexadecimal.
    pub hash: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generator {
    pub name: String,
    pub version: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceDescription {
    pub name: String,
    pub engine: String,
    pub engine_version: String,
    pub profile: String,
    pub snapshot: SnapshotDescription,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotDescription {
    /// RFC 3339, UTC.
    pub taken_at: String,
    pub isolation: String,
}

/// The seal: the last line of a file, written only if the file contains every announced record. A signature may
/// follow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Integrity {
    pub complete: bool,
    pub total_records: u64,
    pub tables: OrderedMap<TableName, SealedTable>,
    /// SHA-256 (FIPS 180-4), hexadecimal, of every line before the seal's, with each table's lines replaced by a line
    /// with the table's digest.
    pub sha256: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedTable {
    pub records: u64,
    /// SHA-256, hexadecimal, of the table's lines from the one that opens it to its last record.
    pub sha256: String,
}

impl SealedTable {
    /// Combines the record counts of tables with their digests, which are in the same order.
    #[must_use]
    pub fn from_counts_and_digests(
        records: Vec<(TableName, u64)>,
        digests: Vec<String>,
    ) -> OrderedMap<TableName, Self> {
        let sealed = |((name, records), sha256)| (name, Self { records, sha256 });
        records.into_iter().zip(digests).map(sealed).collect()
    }
}

/// The signature of a file (Ed25519, RFC 8032).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// The public key's 32 bytes, as base64.
    pub key: String,
    /// The signature's 64 bytes, as base64.
    pub ed25519: String,
}
