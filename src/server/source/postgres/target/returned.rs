//! Rows that an import has removed, and that its undo brings back.

use super::super::super::{Result, double_quote_identifier, undo_rules};
use super::super::catalog::Relation;
use super::super::database_session::DatabaseSession;
use super::super::error;
use super::super::row_key::{equal, expressions};
use super::kept_import::UndoSchema;
use crate::model::import_undo::UndoneTable;
use crate::model::name::TableName;

fn returned(number: usize) -> String {
    format!("pg_temp.waybill_returned_{number}")
}

/// Puts the rows that come back into a temporary table. One whose key somebody has used since stays away.
pub fn find(
    session: &mut DatabaseSession,
    kept: &UndoSchema,
    (number, table, removed): (usize, &TableName, u64),
    (relation, key): (&Relation, &[String]),
    found: &mut UndoneTable,
) -> Result<()> {
    let [own, gone] = ["t", "u"].map(|alias| expressions(relation, table, alias, key));
    let is_there = format!("EXISTS (SELECT 1 FROM {} AS t WHERE {})", relation.from_item, equal(&own?, &gone?));
    let (from, into) = (kept.removed(number), returned(number));
    session.execute(&format!(
        "CREATE TEMPORARY TABLE {} ON COMMIT DROP AS SELECT u.* FROM {from} AS u WHERE NOT {is_there}",
        into.trim_start_matches("pg_temp.")
    ))?;
    found.returned = session.fetch_count(&format!("SELECT count(*) AS records FROM {into}"), &[])?;
    found.changed_since += removed.saturating_sub(found.returned);
    let texts: Vec<String> =
        key.iter().map(|name| format!("CAST(u.{} AS text)", double_quote_identifier(name))).collect();
    let examples = format!(
        "SELECT concat_ws(', ', {}) AS key FROM {from} AS u WHERE {is_there} ORDER BY 1 LIMIT {}",
        texts.join(", "),
        undo_rules::MAX_EXAMPLES.saturating_sub(found.examples.len())
    );
    for row in session.fetch(&examples, &[])? {
        found.examples.push(row.text("key").map_err(error::map_error)?.to_owned());
    }
    Ok(())
}

/// Puts the rows back, by the application's search path.
pub fn put_back(
    session: &mut DatabaseSession,
    (number, table): (usize, &TableName),
    relation: &Relation,
    columns: Vec<&String>,
    expected: u64,
) -> Result<()> {
    let names: Vec<String> = columns.into_iter().map(|name| double_quote_identifier(name)).collect();
    let (names, into) = (names.join(", "), relation.from_item.trim_start_matches("ONLY "));
    let sql = format!("INSERT INTO {into} ({names}) OVERRIDING SYSTEM VALUE SELECT {names} FROM {}", returned(number));
    let returned = session.change(&sql, &[]).map_err(|error| error::refused_row(table, error))?;
    undo_rules::check_done(table, expected, returned)
}
