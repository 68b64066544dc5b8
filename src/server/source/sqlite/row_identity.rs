//! What a row is found by again later, and what tells whether it is still the same.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row};
use sha2::{Digest, Sha256};

use super::super::{Error, Kind, Result};
use crate::model::name::TableName;

/// SHA-256, cut to what no accident makes equal.
pub const DIGEST_BYTES: usize = 16;

/// The name under which the row id is reachable: columns may shadow it, and WITHOUT ROWID tables have none.
pub fn rowid_name(connection: &Connection, table: &TableName) -> Result<Option<&'static str>> {
    if !has_rowid(connection, table)? {
        return Ok(None);
    }
    let mut is_column =
        connection.prepare("SELECT 1 FROM pragma_table_xinfo(?1, 'main') WHERE name = ?2 COLLATE NOCASE")?;
    for name in ["rowid", "_rowid_", "oid"] {
        if !is_column.exists([table.as_str(), name])? {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

fn has_rowid(connection: &Connection, table: &TableName) -> Result<bool> {
    let sql = "SELECT 1 FROM pragma_table_list WHERE schema = 'main' AND name = ?1 AND type = 'table' AND NOT wr";
    Ok(connection.query_row(sql, [table.as_str()], |_| Ok(())).optional()?.is_some())
}

/// The columns that tell rows apart for good: the primary key, or the row id where that may be NULL. `VACUUM` changes row ids that
/// are no column.
///
/// # Errors
/// `Refused` if nothing does.
pub fn columns(connection: &Connection, table: &TableName) -> Result<Vec<String>> {
    let mut statement =
        connection.prepare("SELECT name, \"notnull\" FROM pragma_table_xinfo(?1, 'main') WHERE pk > 0 ORDER BY pk")?;
    let key = statement
        .query_map([table.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<Vec<(String, bool)>>>()?;
    let has_rowid = has_rowid(connection, table)?;
    if !key.is_empty() && (!has_rowid || key.iter().all(|(_, is_required)| *is_required)) {
        return Ok(key.into_iter().map(|(name, _)| name).collect());
    }
    if let Some(name) = rowid_name(connection, table)? {
        return Ok(vec![name.to_owned()]);
    }
    let what =
        format!("nothing tells the rows of {table} apart, so that the import could not be undone: add --no-undo");
    Err(Error::new(Kind::Refused, what))
}

/// The columns that hold what is written: not those that are computed.
pub fn stored_columns(connection: &Connection, table: &TableName) -> Result<Vec<String>> {
    let sql = "SELECT name FROM pragma_table_xinfo(?1, 'main') WHERE hidden = 0 ORDER BY cid";
    let mut statement = connection.prepare_cached(sql)?;
    let names = statement.query_map([table.as_str()], |row| row.get(0))?;
    Ok(names.collect::<rusqlite::Result<_>>()?)
}

/// The digest of the values from this place on.
pub fn digest(row: &Row<'_>, from: usize, count: usize) -> Result<[u8; DIGEST_BYTES]> {
    let mut digest = Sha256::new();
    for place in from..from + count {
        let (kind, bytes): (u8, &[u8]) = match row.get_ref(place)? {
            ValueRef::Null => (0, &[]),
            ValueRef::Integer(n) => (1, &n.to_be_bytes()),
            ValueRef::Real(n) => (2, &n.to_bits().to_be_bytes()),
            ValueRef::Text(bytes) => (3, bytes),
            ValueRef::Blob(bytes) => (4, bytes),
        };
        digest.update([kind]);
        digest.update((bytes.len() as u64).to_be_bytes());
        digest.update(bytes);
    }
    let mut short = [0; DIGEST_BYTES];
    short.copy_from_slice(&digest.finalize()[..DIGEST_BYTES]);
    Ok(short)
}
