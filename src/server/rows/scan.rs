//! What is read of one table.

use super::key_set::KeySetId;
use super::schema::Table;
use crate::model::catalog::ColumnSchema;
use crate::model::name::TableName;

/// What to read of one table, and in which order. What happens to the values afterwards is not its concern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    pub table: TableName,
    /// In the order in which values are pushed.
    pub columns: Vec<ColumnSchema>,
    /// Which rows are read.
    pub restrict: Restriction,
    /// Columns to order rows by; empty for the order in which they are stored, the fastest.
    pub order: Vec<String>,
}

/// Which rows of a table are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restriction {
    All,
    /// Those in this set, which the snapshot has filled.
    Keys(KeySetId),
}

impl Scan {
    /// Every column of every row, in storage order.
    #[must_use]
    pub fn whole(table: &Table) -> Self {
        Self {
            table: table.name.clone(),
            columns: table.columns.clone(),
            restrict: Restriction::All,
            order: Vec::new(),
        }
    }
}
