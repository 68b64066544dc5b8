//! What is read of one table.

use super::foreign_key::ForeignKey;
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
    /// Columns that are read as NULL where a reference leads out of the part.
    pub nulled: Vec<ReferenceInside>,
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

/// A column that keeps its value only in rows whose reference leads to a row in one of the sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceInside {
    pub column: String,
    pub key: ForeignKey,
    pub sets: Vec<KeySetId>,
}

impl Scan {
    /// The conditions on which the column keeps its value: all of them, each by any of its references. References of the same
    /// columns lead to one table or another.
    #[must_use]
    pub fn conditions_of(&self, column: &str) -> Vec<Vec<&ReferenceInside>> {
        let mut groups: Vec<Vec<&ReferenceInside>> = Vec::new();
        for nulled in self.nulled.iter().filter(|nulled| nulled.column == column) {
            match groups.iter_mut().find(|group| group[0].key.columns == nulled.key.columns) {
                Some(group) => group.push(nulled),
                None => groups.push(vec![nulled]),
            }
        }
        groups
    }

    /// Every column of every row, in storage order.
    #[must_use]
    pub fn whole(table: &Table) -> Self {
        Self {
            table: table.name.clone(),
            columns: table.columns.clone(),
            restrict: Restriction::All,
            nulled: Vec::new(),
            order: Vec::new(),
        }
    }
}
