//! Scans for samples of a table.

use crate::model::catalog::ColumnSchema;
use crate::model::manifest::RecordOrder;
use crate::model::redaction::Treatment;
use crate::server::rows::{Scan, Table};

/// A scan of these columns of a table, all of them kept.
pub fn scan_columns(table: &Table, columns: Vec<ColumnSchema>) -> Scan {
    Scan {
        table: table.name.clone(),
        treatments: vec![Treatment::Keep; columns.len()],
        columns,
        order_by: table.primary_key.clone(),
        order: RecordOrder::Storage,
    }
}
