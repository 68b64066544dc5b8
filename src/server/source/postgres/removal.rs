//! Removes the rows that an undo has found, of all tables.

use super::super::{Result, undo_rules};
use super::database_session::DatabaseSession;
use super::error;
use crate::model::name::TableName;

/// A rule for removals, as `ON DELETE DO ALSO`: PostgreSQL takes no such table in a statement with others.
const RULES_QUERY: &str = "
    SELECT count(*) AS records FROM pg_rewrite r WHERE r.ev_type = '4' AND r.ev_class = CAST(CAST($1 AS text) AS oid)";

/// Rows of one table. Their places are in the temporary table `waybill_removed_` with this number.
pub struct Removal<'r> {
    pub number: usize,
    pub table: &'r TableName,
    pub oid: i64,
    pub from_item: &'r str,
    pub rows: u64,
}

impl Removal<'_> {
    fn delete_sql(&self) -> String {
        format!(
            "DELETE FROM {} AS t USING pg_temp.waybill_removed_{} AS d \
             WHERE t.ctid OPERATOR(pg_catalog.=) d.place AND t.tableoid OPERATOR(pg_catalog.=) d.part",
            self.from_item, self.number
        )
    }
}

/// Removes the rows in one statement, if it can be one: what the database checks at once, it checks at the end of it, so that tables may
/// refer to each other in a circle. Else the last table comes first.
///
/// # Errors
/// `Refused` if the database removes others, or none.
pub fn remove(session: &mut DatabaseSession, removals: &[Removal<'_>]) -> Result<()> {
    let mut has_rules = false;
    for removal in removals {
        has_rules |= session.fetch_count(RULES_QUERY, &[&removal.oid.to_string()])? > 0;
    }
    if has_rules {
        for removal in removals.iter().rev() {
            let removed = session.change(&removal.delete_sql(), &[]);
            let removed = removed.map_err(|error| error::refused_row(removal.table, error))?;
            undo_rules::check_done(removal.table, removal.rows, removed)?;
        }
        return Ok(());
    }
    if removals.is_empty() {
        return Ok(());
    }
    let deletions = removals.iter().rev();
    let deletions = deletions.map(|removal| format!("r{} AS ({} RETURNING 1)", removal.number, removal.delete_sql()));
    let counts = removals
        .iter()
        .map(|Removal { number, .. }| format!("(SELECT pg_catalog.count(*) FROM r{number}) AS r{number}"));
    let (deletions, counts): (Vec<String>, Vec<String>) = (deletions.collect(), counts.collect());
    let sql = format!("WITH {} SELECT {}", deletions.join(", "), counts.join(", "));
    let rows = session.fetch(&sql, &[]).map_err(|error| error::refused_row(&"the import".into(), error))?;
    let row = rows.first().ok_or_else(error::invalid_message)?;
    for Removal { number, table, rows, .. } in removals {
        undo_rules::check_done(*table, *rows, row.parse(&format!("r{number}")).map_err(error::map_error)?)?;
    }
    Ok(())
}
