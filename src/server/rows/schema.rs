//! The schema of a database: its tables, what they refer to, and what cannot be read or is left out.

use super::foreign_key::ForeignKey;
use crate::model::catalog::ColumnSchema;
use crate::model::name::TableName;
use crate::model::redaction::NotIncluded;

/// A table as the database declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    pub name: TableName,
    pub columns: Vec<ColumnSchema>,
    /// Empty if the table has none.
    pub primary_key: Vec<String>,
    pub foreign_keys: Vec<ForeignKey>,
    /// The first columns of its indexes, of those with every row.
    pub indexed: Vec<String>,
    /// The comment on the table in the database.
    pub comment: Option<String>,
}

impl Table {
    /// Tables that this one references; one may occur more than once.
    pub fn parents(&self) -> impl Iterator<Item = &TableName> {
        self.foreign_keys.iter().map(|key| &key.target)
    }
}

/// The database's schema: tables in file order, and every other object with the reason it is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalog {
    pub tables: Vec<Table>,
    pub not_included: Vec<NotIncluded>,
    /// Tables that cannot be read, or not completely.
    pub unreadable: Vec<UnreadableTable>,
}

/// A table that cannot be read, with the reason and the remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadableTable {
    pub table: TableName,
    pub reason: String,
}

impl Catalog {
    #[must_use]
    pub fn table(&self, name: &TableName) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == *name)
    }

    /// Whether the table cannot be read, or not completely.
    #[must_use]
    pub fn is_unreadable(&self, name: &TableName) -> bool {
        self.unreadable.iter().any(|unreadable| unreadable.table == *name)
    }
}
