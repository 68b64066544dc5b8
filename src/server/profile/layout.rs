//! Layouts: the nested documents in which a product itself writes its data.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde::de::{Deserializer, Error};

use super::filter_profile::QualifiedColumn;
use crate::model::name::TableName;
use crate::model::selection::ScopeKind;

/// The documents of one product.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    /// Whose data the documents hold.
    #[serde(deserialize_with = "scope_kind")]
    pub scope: ScopeKind,
    pub output: LayoutOutput,
    pub keys: KeyStyle,
    pub manifest: ManifestLayout,
    pub documents: Vec<Node>,
    /// The files that records refer to.
    pub media: Option<MediaLayout>,
    /// What it is and how to read it, for whoever opens it.
    pub readme: Option<String>,
}

/// What holds the documents together, and its name: `{timestamp}` is `YYYY-MM-DDTHH-MM-SSZ`, `{date}` is `YYYY-MM-DD`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LayoutOutput {
    /// A folder with one JSON file for each document, or one JSON object with all of them.
    Directory(String),
    /// A tar archive, compressed with gzip, with one YAML file for each document.
    Archive(String),
}

/// A table whose records stand for files of the blob folder.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MediaLayout {
    pub table: TableName,
    /// The column with the record's id, which is the file's name in the archive.
    pub id: String,
    /// The column with the name that the user gave it; its extension is kept.
    pub file_name: String,
    /// The column with the media type, such as `image/png`.
    pub content_type: String,
    /// The column with the name of the file in the blob folder.
    pub storage_key: String,
    /// The column with the size, in bytes.
    pub bytes: String,
    /// The column with the digest of the file, in hexadecimal.
    pub sha256: String,
    /// The key under which a record has the path of its file in the archive.
    pub path: String,
    /// Columns of texts in which such paths stand.
    #[serde(default)]
    pub named_in: Vec<QualifiedColumn>,
}

/// How columns become keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyStyle {
    /// `created_at` becomes `createdAt`.
    CamelCase,
}

/// The product's own manifest.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestLayout {
    /// What the manifest says, in this order.
    pub entries: Vec<ManifestEntry>,
    /// The table whose records each count is of.
    pub counts: BTreeMap<String, TableName>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestEntry {
    pub key: String,
    pub value: ManifestValue,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ManifestValue {
    Constant(serde_json::Value),
    ExportedAt,
    /// The version of the application that the data is from.
    AppVersion,
    /// The id of the organisation or person.
    Scope,
    /// The names of the tables.
    Tables,
    Counts,
    /// The files that are missing, each with the reason.
    MissingMedia,
}

/// A document, or what is nested in each of its records.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// The key, or the document's name.
    pub name: String,
    pub table: TableName,
    /// Column of this table, and the column of the one around it that it is equal to.
    #[serde(default)]
    pub on: BTreeMap<String, String>,
    /// Only records in which these columns are NULL.
    #[serde(default)]
    pub null: Vec<String>,
    /// The column whose values name the records, in formats that have them as a mapping.
    pub keyed_by: Option<String>,
    /// One object, or null, instead of a list.
    #[serde(default)]
    pub single: bool,
    /// Stubs of records that stay outside, instead of records.
    #[serde(default)]
    pub stubs: bool,
    #[serde(default)]
    pub order: Vec<String>,
    /// The columns that are written; all without it.
    pub columns: Option<Vec<String>>,
    /// Columns that are not written.
    #[serde(default)]
    pub except: Vec<String>,
    /// Keys with the same value in each record.
    #[serde(default)]
    pub constants: BTreeMap<String, serde_json::Value>,
    pub tombstone: Option<Tombstone>,
    #[serde(default)]
    pub children: Vec<Self>,
}

/// What is left of a record that was deleted.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tombstone {
    /// The column that is not NULL in a deleted record.
    pub when: String,
    /// The columns that are written then; the others are null.
    pub keep: Vec<String>,
}

fn scope_kind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ScopeKind, D::Error> {
    let name = String::deserialize(deserializer)?;
    let kind = ScopeKind::ALL.into_iter().find(|kind| kind.as_str() == name);
    kind.ok_or_else(|| D::Error::custom(format!("`{name}` is no scope")))
}

impl Layout {
    /// The tables whose records are in the documents.
    #[must_use]
    pub fn tables(&self) -> BTreeSet<TableName> {
        self.documents.iter().flat_map(Node::tables).collect()
    }
}

impl Layout {
    /// Where the records of a table are; not look-ups, nor stubs.
    #[must_use]
    pub fn node_of(&self, table: &TableName) -> Option<&Node> {
        self.documents.iter().find_map(|node| node.find(table, true))
    }
}

impl Node {
    fn find(&self, table: &TableName, is_root: bool) -> Option<&Self> {
        let is_it = self.table == *table && !self.stubs && (is_root || !self.single);
        if is_it { Some(self) } else { self.children.iter().find_map(|child| child.find(table, false)) }
    }

    fn tables(&self) -> BTreeSet<TableName> {
        let own = std::iter::once(self.table.clone()).filter(|_| !self.stubs);
        own.chain(self.children.iter().flat_map(Self::tables)).collect()
    }

    /// Whether the column is written.
    #[must_use]
    pub fn writes(&self, column: &str) -> bool {
        let is_listed = |columns: &Vec<String>| columns.iter().any(|listed| listed == column);
        self.columns.as_ref().is_none_or(is_listed) && !is_listed(&self.except)
    }
}
