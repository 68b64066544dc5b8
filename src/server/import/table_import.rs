//! What an import writes, table by table.

use std::collections::BTreeSet;

use super::part::Role;
use crate::model::catalog::Codec;
use crate::model::import::{TableMode, TablePolicy};
use crate::model::import_plan::ValueRule;
use crate::model::name::TableName;
use crate::server::profile::OnImport;
use crate::server::rows::ForeignKey;
use crate::server::source::{EmptiedReference, MergeRules, Removal, TableLoad};

/// What an import writes, decided before the first row.
#[derive(Debug)]
pub struct ImportPlan {
    /// In the order in which they are filled. The table of a part that was asked for comes last, maybe twice.
    pub tables: Vec<TableImport>,
    /// What happens to columns that file and database do not share, one sentence each.
    pub notes: Vec<String>,
    /// What puts values into the records besides the file.
    pub rules: Vec<ValueRule>,
}

/// What is written to one table.
#[derive(Clone, Debug)]
pub struct TableImport {
    pub table: TableName,
    /// In which reading of the file it is filled.
    pub reading: usize,
    /// How many records the file promises, without stubs.
    pub records: u64,
    /// How many stubs come after them, which are left out.
    pub stubs: u64,
    /// The file's columns.
    pub columns: Vec<ImportColumn>,
    /// Columns that the file lacks, with what they get.
    pub filled: Vec<(String, OnImport)>,
    /// The table's primary key.
    pub key: Vec<String>,
    pub mode: TableMode,
    /// The columns by which tables of the database refer to it, each list once.
    pub referred_by: Vec<Vec<String>>,
    /// References that are written once all tables are filled.
    pub late: Vec<String>,
    /// What a merge goes by besides the key.
    pub merge: MergeRules,
    /// What becomes of records that are there. What is only referred to stays as it is.
    pub policy: Option<TablePolicy>,
    /// Whether a record that is there ends the import, although it is a merge.
    pub must_be_new: bool,
    /// Of a part: why its records are imported.
    pub role: Option<Role>,
    /// The column that says whose a record is, if all are one person's.
    pub owner: Option<String>,
    /// Which rows are removed if the file does not have them.
    pub removal: Option<Removal>,
    /// Whether all of its records are new, and no natural key tells that one is there.
    pub is_copied: bool,
}

/// A column of the file.
#[derive(Clone, Debug)]
pub struct ImportColumn {
    pub name: String,
    pub codec: Codec,
    /// The codec of the database's column.
    pub target_codec: Codec,
    /// Whether its values are written: not those that the database computes.
    pub is_written: bool,
    /// Whether a record that is there already keeps its own value: the file's is masked.
    pub is_kept: bool,
    /// The references that it takes part in and that are NULL in the file if they lead out of the part which that holds.
    pub emptied: Vec<ForeignKey>,
}

impl ImportColumn {
    fn to_emptied(&self, all: &[Self]) -> Option<EmptiedReference> {
        let (column, keys) = (self.name.clone(), self.emptied.clone());
        let with = keys.iter().flat_map(|key| key.when.iter().map(|(column, _)| column).chain(&key.columns));
        let is_in_file = |name: &&String| {
            all.iter().any(|other| other.name == **name && other.is_written && other.emptied.is_empty())
        };
        let with: BTreeSet<String> = with.filter(is_in_file).cloned().collect();
        (!keys.is_empty()).then(|| EmptiedReference { column, with: with.into_iter().collect(), keys })
    }
}

impl TableImport {
    /// What the target has to know of it.
    pub fn to_load(&self) -> TableLoad {
        let written = || self.columns.iter().filter(|column| column.is_written);
        let filled = || self.filled.iter().map(|(name, _)| name.clone());
        let is_kept = |column: &&ImportColumn| {
            column.is_kept || self.policy == Some(TablePolicy::Mine) && !self.key.contains(&column.name)
        };
        TableLoad {
            table: self.table.clone(),
            mode: self.mode,
            columns: written().map(|column| column.name.clone()).chain(filled()).collect(),
            kept: written().filter(is_kept).map(|column| column.name.clone()).chain(filled()).collect(),
            emptied: written().filter_map(|column| column.to_emptied(&self.columns)).collect(),
            key: self.key.clone(),
            late: self.late.clone(),
            is_recorded: false,
            merge: self.merge.clone(),
            owner: self.owner.clone(),
            removal: self.removal.clone(),
        }
    }
}
