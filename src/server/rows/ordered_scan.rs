//! A scan whose rows come in the order of the rows that they are nested in.

use super::scan::{Restriction, Scan};
use crate::model::name::TableName;

/// A scan of rows that are nested in rows of other tables. `Scan::order` is their order within one of those.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderedScan {
    pub scan: Scan,
    /// The tables that the rows are nested in, the nearest one first.
    pub ancestors: Vec<Ancestor>,
    /// Only rows in which all of these columns are NULL.
    pub null_columns: Vec<String>,
}

/// A table that rows are nested in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ancestor {
    pub table: TableName,
    pub restrict: Restriction,
    /// Columns to order its rows by.
    pub order: Vec<String>,
    pub null_columns: Vec<String>,
    /// Column of the row that is nested, and the column of this table that it is equal to.
    pub on: Vec<(String, String)>,
}

/// A table of an ordered scan: its own, or one around it.
#[derive(Clone, Debug)]
pub struct Level<'l> {
    /// Of its rows, in a statement: `t` for the scan's own.
    pub alias: String,
    pub table: &'l TableName,
    pub restrict: Restriction,
    pub order: &'l [String],
    pub null_columns: &'l [String],
}

impl OrderedScan {
    /// The scan's own table, and those around it from the nearest on.
    #[must_use]
    pub fn levels(&self) -> Vec<Level<'_>> {
        let Self { scan, ancestors, null_columns } = self;
        let (table, restrict, order) = (&scan.table, scan.restrict, &scan.order[..]);
        let own = Level { alias: "t".into(), table, restrict, order, null_columns };
        let around = ancestors.iter().enumerate().map(|(number, ancestor)| {
            let Ancestor { table, restrict, order, null_columns, .. } = ancestor;
            Level { alias: format!("p{number}"), table, restrict: *restrict, order, null_columns }
        });
        std::iter::once(own).chain(around).collect()
    }
}

/// An open read of an ordered scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CursorId(pub usize);
