//! Layouts: the nested documents in which a product itself writes its data.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::model::name::TableName;

/// The documents of one product.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    /// The name of the folder; `{timestamp}` is `YYYY-MM-DDTHH-MM-SSZ`.
    pub directory: String,
    pub keys: KeyStyle,
    pub manifest: ManifestLayout,
    pub documents: Vec<Node>,
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
    pub format: String,
    pub version: String,
    /// The key under which the id of the organisation is.
    pub scope: String,
    /// The table whose records each count is of.
    pub counts: BTreeMap<String, TableName>,
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

impl Layout {
    /// The tables whose records are in the documents.
    #[must_use]
    pub fn tables(&self) -> BTreeSet<TableName> {
        self.documents.iter().flat_map(Node::tables).collect()
    }
}

impl Node {
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
