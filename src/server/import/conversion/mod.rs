//! Records of a file as other records: under new ids, which what refers to them follows.
//!
//! A person's archive (`person`) and copies of an organisation (`organization_copy`) become documents, which are imported like any other.

mod document_file;
mod id_changes;
mod ids;
mod references;
mod unique_names;

use std::collections::{BTreeMap, BTreeSet};

pub use document_file::{TableFile, check_room, write_document};
pub use id_changes::IdChanges;
pub use ids::{IdMap, IdOrigin, digest, is_uuid};
pub use references::{Values, find_disguised, json_text, rewrite, rewrite_media_names, text_of, visit};
pub use unique_names::{UniqueNames, numbered};

use crate::model::catalog::{Codec, ColumnSchema};
use crate::model::name::TableName;
use crate::server::rows::Table;

/// What an import has to know of records that were converted.
#[derive(Debug, Default)]
pub struct Conversion {
    /// Whether this installation has made the archive of the importer's own data.
    pub is_own: bool,
    /// The column of each table that says whose its records are, if all are one person's.
    pub owners: Option<BTreeMap<TableName, String>>,
    /// The tables whose records are new, whatever is here.
    pub copied: BTreeSet<TableName>,
    pub notes: Vec<String>,
}

/// The column with the ids of a table's records, which are texts.
#[must_use]
pub fn id_of(table: &Table) -> Option<String> {
    let [key] = &table.primary_key[..] else { return None };
    let is_text = |column: &&ColumnSchema| matches!(column.codec, Codec::Text | Codec::Native | Codec::Dynamic);
    table.columns.iter().filter(is_text).find(|column| column.name == *key).map(|column| column.name.clone())
}
