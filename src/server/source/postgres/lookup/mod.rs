//! Lookups of accounts: the newest committed rows, from plain tables only.

mod choices;
mod plain_table;
mod where_clause;

use super::super::{MAX_LOOKUP_CHARS, Predicate, Result};
use super::client::Row;
use super::database_session::DatabaseSession;
use super::error;
use crate::model::name::TableName;

pub use choices::list_choices;
use plain_table::resolve_table;
use where_clause::BindParams;

/// `Source::identity`: the cluster's system identifier, which a physical copy keeps and an upgrade changes, and the
/// database name.
pub fn identity(session: &mut DatabaseSession) -> Result<String> {
    let sql = "SELECT CAST(system_identifier AS text) AS cluster, CAST(current_database() AS text) AS database FROM pg_control_system()";
    let found = session.fetch(sql, &[])?;
    let row = found.first().ok_or_else(error::invalid_message)?;
    let part = |column| row.text(column).map_err(error::map_error);
    Ok(format!("postgresql:{}/{}", part("cluster")?, part("database")?))
}

/// `Source::find_unique`.
pub fn find_unique(
    session: &mut DatabaseSession,
    table: &TableName,
    conditions: &[Predicate<'_>],
    columns: &[&str],
) -> Result<Option<Vec<Option<String>>>> {
    let plain = resolve_table(session, table)?;
    let expression = |name: &&str| {
        let column = plain.column(table, name)?;
        Ok(format!("pg_catalog.substr({}, 1, {MAX_LOOKUP_CHARS})", column.text_sql))
    };
    let expressions: Vec<String> = columns.iter().map(expression).collect::<Result<_>>()?;
    let mut params = BindParams::default();
    let where_sql = params.where_sql(table, &plain, conditions)?;
    let sql = format!("SELECT {} FROM {} WHERE {where_sql} LIMIT 2", expressions.join(", "), plain.from_item);
    let mut rows = match session.fetch_typed(&sql, &params.types, &params.values) {
        // The value is not valid for the column's type (an e-mail address is no UUID), so no row matches.
        Err(error) if error::is_invalid_value(&error) => return Ok(None),
        rows => rows?,
    };
    let found = rows.pop().filter(|_| rows.is_empty());
    Ok(found.map(Row::into_texts))
}

/// `Source::exists`.
pub fn exists(session: &mut DatabaseSession, table: &TableName, conditions: &[Predicate<'_>]) -> Result<bool> {
    let plain = resolve_table(session, table)?;
    let mut params = BindParams::default();
    let where_sql = params.where_sql(table, &plain, conditions)?;
    let sql = format!("SELECT 1 FROM {} WHERE {where_sql} LIMIT 1", plain.from_item);
    match session.fetch_typed(&sql, &params.types, &params.values) {
        Err(error) if error::is_invalid_value(&error) => Ok(false),
        rows => Ok(!rows?.is_empty()),
    }
}
