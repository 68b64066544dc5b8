//! What an undo says of rows.

use std::fmt::Write;

use rusqlite::types::{ToSqlOutput, ValueRef};

use super::super::super::Error;
use super::super::error::refused;
use crate::model::name::TableName;

/// The values of a key.
pub fn key_text(key: &[ToSqlOutput<'_>]) -> String {
    let mut text = String::new();
    for value in key {
        if !text.is_empty() {
            text.push_str(", ");
        }
        let ToSqlOutput::Borrowed(value) = value else { continue };
        let written = match value {
            ValueRef::Null => text.write_str("null"),
            ValueRef::Integer(n) => write!(text, "{n}"),
            ValueRef::Real(n) => write!(text, "{n}"),
            ValueRef::Text(bytes) => text.write_str(&String::from_utf8_lossy(bytes)),
            ValueRef::Blob(bytes) => text.write_str(&hex::encode(bytes)),
        };
        debug_assert!(written.is_ok(), "a string takes everything");
    }
    text
}

/// Of an error while rows are put back.
pub fn not_undone(error: rusqlite::Error, table: &TableName) -> Error {
    refused(error, |message| format!("a record of {table} is refused by the database: {message}"))
}
