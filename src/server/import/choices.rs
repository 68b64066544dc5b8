//! What is chosen of a file, and what becomes of records that are there.

use std::collections::{BTreeMap, BTreeSet};

use super::part::Part;
use super::removal::Removals;
use super::request::ImportRequest;
use crate::model::import::{TableMode, TablePolicies, TablePolicy};
use crate::model::name::TableName;

/// What is asked for, besides the file and the database.
#[derive(Clone, Copy)]
pub struct Choices<'c> {
    pub mode: TableMode,
    /// The records that are imported, if not all are.
    pub part: Option<&'c Part>,
    pub policies: &'c TablePolicies,
    /// The column of each table that says whose its records are, if all are one person's.
    pub owners: Option<&'c BTreeMap<TableName, String>>,
    /// The tables whose records are new, whatever is here.
    pub copied: Option<&'c BTreeSet<TableName>>,
    /// Which records are removed if the file does not have them.
    pub removal: Option<&'c Removals>,
    /// As it was asked.
    pub request: &'c ImportRequest,
}

impl Choices<'_> {
    /// Whether anything of a table is imported.
    pub fn includes(&self, table: &TableName) -> bool {
        self.part.is_none_or(|part| part.includes(table)) && self.policy(table) != Some(TablePolicy::Skip)
    }

    /// Whether it was said of this very table what becomes of records that are there.
    pub fn is_decided(&self, table: &TableName) -> bool {
        self.request.policies.contains_key(table)
    }

    pub fn policy(&self, table: &TableName) -> Option<TablePolicy> {
        self.policies.get(table).copied()
    }
}
