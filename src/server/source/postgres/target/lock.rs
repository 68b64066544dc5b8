//! Keeps other writers waiting.

use super::super::super::{Kind, Result};
use super::super::catalog::{self, Schema};
use super::super::database_session::DatabaseSession;
use super::super::{LOCK_TIMEOUT, error};
use crate::model::name::TableName;

/// Locks the tables against everybody else who writes to them, and reads the schema again: a migration may have come before.
///
/// # Errors
/// `PermissionDenied` if the user may not write to one; `Locked` if somebody holds one for too long.
pub fn lock_tables(session: &mut DatabaseSession, schema: &Schema, tables: &[TableName]) -> Result<Schema> {
    for table in tables {
        let from_item = schema.relation(table)?.from_item.trim_start_matches("ONLY ");
        let sql = format!("LOCK TABLE {from_item} IN SHARE ROW EXCLUSIVE MODE");
        session.execute(&sql).map_err(|error| match error.kind {
            Kind::PermissionDenied => error::may_not_write(table),
            Kind::Locked => error::table_locked(None, LOCK_TIMEOUT.as_secs()),
            _ => error,
        })?;
    }
    let now = catalog::read(session)?;
    if now.relations == schema.relations { Ok(now) } else { Err(error::schema_unstable()) }
}
