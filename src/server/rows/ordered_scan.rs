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

/// An open read of an ordered scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CursorId(pub usize);
