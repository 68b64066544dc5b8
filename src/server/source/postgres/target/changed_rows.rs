//! What a merge writes: new rows, and rows that are there and differ. Nothing else is touched: `INSERT … ON CONFLICT` would hold every
//! proposed row against the table's rules, also of rows that stay as they are.

use super::super::super::Result;
use super::super::super::target::TableLoad;
use super::super::database_session::DatabaseSession;
use super::super::error::STAGED_PREFIX;
use super::super::row_key::quoted;

/// The condition that a staged row `s` is the one of a changed row `c`. Operators are named by their schema: it runs with the
/// application's search path, too.
pub const IS_STAGED: &str = "s.ctid OPERATOR(pg_catalog.=) c.place";
/// The condition that a row `t` of the table is the one of a changed row `c`.
pub const IS_THERE: &str = "t.ctid OPERATOR(pg_catalog.=) c.own AND t.tableoid OPERATOR(pg_catalog.=) c.part";

/// The temporary table of these rows: the place of the staged row, and that of the row that is there, if one is.
pub struct ChangedRows(String);

impl ChangedRows {
    pub fn create(session: &mut DatabaseSession, number: usize) -> Result<Self> {
        let name = format!("{STAGED_PREFIX}{number}_changed");
        session.execute(&format!(
            "CREATE TEMPORARY TABLE {name} (place pg_catalog.tid, own pg_catalog.tid, part pg_catalog.oid) ON COMMIT DROP"
        ))?;
        Ok(Self(format!("pg_temp.{name}")))
    }

    pub fn name(&self) -> &str {
        &self.0
    }

    /// Finds them by the end of a statement that selects the file's row `s` and the row `t` that is there.
    pub fn find(&self, session: &mut DatabaseSession, rows: &str) -> Result<()> {
        let name = self.name();
        session.change(&format!("INSERT INTO {name} SELECT s.ctid, t.ctid, t.tableoid {rows}"), &[])?;
        session.execute(&format!("ANALYZE {name}"))
    }

    /// Writes them into the table, and returns how many that are. In one statement, so that references are checked once all are there;
    /// what is there changes first, and makes room for unique values of new rows.
    pub fn write(&self, session: &mut DatabaseSession, load: &TableLoad, staged: &str, table: &str) -> Result<u64> {
        let name = self.name();
        let columns = quoted(&load.columns);
        let values: Vec<String> = columns.iter().map(|name| format!("s.{name}")).collect();
        let set: Vec<String> = quoted(load.replaced()).iter().map(|name| format!("{name} = s.{name}")).collect();
        let updated = if set.is_empty() {
            "SELECT 1 WHERE false".to_owned()
        } else {
            format!(
                "UPDATE {table} AS t SET {} FROM {staged} AS s, {name} AS c WHERE {IS_STAGED} AND {IS_THERE} RETURNING 1",
                set.join(", ")
            )
        };
        let sql = format!(
            "WITH updated AS ({updated}), number AS MATERIALIZED (SELECT pg_catalog.count(*) AS rows FROM updated), \
             inserted AS (INSERT INTO {table} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {staged} AS s JOIN {name} AS c ON {IS_STAGED} \
             WHERE c.own IS NULL AND (SELECT n.rows FROM number AS n) IS NOT NULL RETURNING 1) \
             SELECT (SELECT n.rows FROM number AS n) OPERATOR(pg_catalog.+) (SELECT pg_catalog.count(*) FROM inserted) AS records",
            columns.join(", "),
            values.join(", ")
        );
        session.fetch_count(&sql, &[])
    }
}
