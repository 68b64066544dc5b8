//! Removes the rows that an undo has found to be new, and gives the others their values back, in all tables.

use super::super::super::{Result, undo_rules};
use super::super::client::Row;
use super::super::database_session::DatabaseSession;
use super::super::error;
use crate::model::name::TableName;

/// A rule for removals, as `ON DELETE DO ALSO`: PostgreSQL takes no such table in a statement with others.
const RULES_QUERY: &str = "
    SELECT count(*) AS records FROM pg_rewrite r WHERE r.ev_type = '4' AND r.ev_class = CAST(CAST($1 AS text) AS oid)";

/// What is put back in one table. The places of the rows that are removed are in the temporary table `waybill_removed_` with this number,
/// those of the others in `waybill_restored_`, with their values as `c0`, `c1`, ….
pub struct ChangedTable<'r> {
    pub number: usize,
    pub table: &'r TableName,
    pub oid: i64,
    pub from_item: &'r str,
    pub removed: u64,
    pub restored: u64,
    /// The columns of the rows that get values back, quoted.
    pub columns: Vec<String>,
    /// Whether a row, `t`, has another value than it should, `b`.
    pub differs: String,
}

impl ChangedTable<'_> {
    fn delete_sql(&self) -> String {
        format!(
            "DELETE FROM {} AS t USING pg_temp.waybill_removed_{} AS d \
             WHERE t.ctid OPERATOR(pg_catalog.=) d.place AND t.tableoid OPERATOR(pg_catalog.=) d.part",
            self.from_item, self.number
        )
    }

    /// Says of each row whether a trigger has given it another value.
    fn update_sql(&self, condition: &str) -> String {
        let Self { number, from_item, columns, differs, .. } = self;
        let set: Vec<String> = columns.iter().map(|name| format!("{name} = b.{name}")).collect();
        let kept: Vec<String> = columns.iter().zip(0..).map(|(name, at)| format!(", c{at} AS {name}")).collect();
        format!(
            "UPDATE {from_item} AS t SET {} FROM (SELECT part AS waybill_part, place AS waybill_place{} FROM pg_temp.waybill_restored_{number}) AS b
              WHERE t.ctid OPERATOR(pg_catalog.=) b.waybill_place AND t.tableoid OPERATOR(pg_catalog.=) b.waybill_part{condition}
             RETURNING {differs} AS differs",
            set.join(", "),
            kept.concat()
        )
    }

    fn check_removed(&self, row: &Row) -> Result<()> {
        let removed = row.parse(&format!("removed_{}", self.number)).map_err(error::map_error)?;
        undo_rules::check_done(self.table, self.removed, removed)
    }

    fn check_restored(&self, row: &Row) -> Result<()> {
        let count = |name: &str| row.parse::<u64>(&format!("{name}_{}", self.number)).map_err(error::map_error);
        undo_rules::check_done(self.table, self.restored, count("restored")?)?;
        match count("different")? {
            0 => Ok(()),
            different => Err(undo_rules::restored_differently(self.table, different, self.restored)),
        }
    }
}

/// Puts everything back in one statement, if it can be one. Rows are removed first in it, so that others get values back that a row may have
/// once only; what refers to what, the database checks at its end, so that tables may refer to each other in a circle.
///
/// # Errors
/// `Refused` if the database changes others, or none.
pub fn put_back(session: &mut DatabaseSession, tables: &[ChangedTable<'_>]) -> Result<()> {
    let mut has_rules = false;
    for table in tables {
        has_rules |= session.fetch_count(RULES_QUERY, &[&table.oid.to_string()])? > 0;
    }
    if has_rules { put_back_one_by_one(session, tables) } else { put_back_at_once(session, tables) }
}

fn put_back_at_once(session: &mut DatabaseSession, tables: &[ChangedTable<'_>]) -> Result<()> {
    let (mut steps, mut counts, mut removed_first) = (Vec::new(), Vec::new(), Vec::new());
    for table in tables.iter().rev().filter(|table| table.removed > 0) {
        let rows = format!("removed_rows_{}", table.number);
        steps.push(format!("{rows} AS ({} RETURNING 1)", table.delete_sql()));
        // An update that counts the removed rows runs once they are removed. The application may have operators of its own, but no
        // IS NOT NULL.
        removed_first.push(format!(" AND (SELECT pg_catalog.count(*) FROM {rows}) IS NOT NULL"));
        counts.push(format!("(SELECT pg_catalog.count(*) FROM {rows}) AS removed_{}", table.number));
    }
    let removed_first = removed_first.concat();
    for table in tables.iter().filter(|table| table.restored > 0) {
        let (number, rows) = (table.number, format!("restored_rows_{}", table.number));
        steps.push(format!("{rows} AS ({})", table.update_sql(&removed_first)));
        counts.push(format!("(SELECT pg_catalog.count(*) FROM {rows}) AS restored_{number}"));
        counts.push(format!("(SELECT pg_catalog.count(*) FROM {rows} WHERE differs) AS different_{number}"));
    }
    if steps.is_empty() {
        return Ok(());
    }
    let sql = format!("WITH {} SELECT {}", steps.join(",\n"), counts.join(", "));
    let rows = session.fetch(&sql, &[]).map_err(|error| error::refused_row(&"the import".into(), error))?;
    let row = rows.first().ok_or_else(error::invalid_message)?;
    for table in tables.iter().filter(|table| table.removed > 0) {
        table.check_removed(row)?;
    }
    tables.iter().filter(|table| table.restored > 0).try_for_each(|table| table.check_restored(row))
}

/// Values first, so that nothing refers to what is removed then; of what is removed, the last table first.
fn put_back_one_by_one(session: &mut DatabaseSession, tables: &[ChangedTable<'_>]) -> Result<()> {
    for table in tables.iter().filter(|table| table.restored > 0) {
        let number = table.number;
        let sql = format!(
            "WITH r AS ({}) SELECT pg_catalog.count(*) AS restored_{number}, pg_catalog.count(*) FILTER (WHERE differs) AS different_{number} FROM r",
            table.update_sql("")
        );
        let rows = session.fetch(&sql, &[]).map_err(|error| error::refused_row(table.table, error))?;
        table.check_restored(rows.first().ok_or_else(error::invalid_message)?)?;
    }
    for table in tables.iter().rev().filter(|table| table.removed > 0) {
        let removed = session.change(&table.delete_sql(), &[]);
        let removed = removed.map_err(|error| error::refused_row(table.table, error))?;
        undo_rules::check_done(table.table, table.removed, removed)?;
    }
    Ok(())
}
