//! One consistent view: every table is locked against rewrites first, then the snapshot is taken.

use std::time::Duration;

use super::super::{Error, Result, Snapshot};
use super::catalog::{self, Relation, Schema};
use super::client::{self, Format, Row};
use super::decode::Wire;
use super::reader::RowReader;
use super::session::Session;
use super::{fault, quoted};
use crate::model::manifest::RecordOrder;
use crate::server::rows::{Catalog, RowSink, Selection};

/// Attempts before giving up on a schema that keeps changing while we read it.
const ATTEMPTS: usize = 5;
/// Target size of a sample, from pages spread over the table.
const SAMPLE_ROWS: f64 = 500.0;
const SAMPLE_LIMIT: u32 = 2_000;

pub struct PostgresSnapshot {
    session: Session,
    schema: Schema,
}

impl PostgresSnapshot {
    /// Locks every readable table, then takes the snapshot and reads the schema in it.
    ///
    /// # Errors
    /// `LockedBy` or `TableLocked` when another session holds a table longer than `lock_timeout`, `Changing` when the
    /// schema keeps changing, or an error of the server.
    pub fn begin(mut session: Session, lock_timeout: Duration) -> Result<Self> {
        for _ in 0..ATTEMPTS {
            let seen = session.look_up(catalog::read)?;
            session.begin_snapshot(lock_timeout)?;
            match lock(&mut session, &seen, lock_timeout) {
                Err(error) if fault::is_gone(&error) => {}
                locked => {
                    locked?;
                    // The first query takes the snapshot. Without the locks before it, a concurrent TRUNCATE or
                    // rewriting ALTER would make a table read as empty.
                    session.identify()?;
                    let schema = catalog::read(&mut session)?;
                    if schema.relations == seen.relations {
                        return Ok(Self { session, schema });
                    }
                }
            }
            session.rollback()?;
        }
        Err(Error::Changing)
    }

    fn relation(&self, table: &str) -> Result<&Relation> {
        self.schema.relations.get(table).ok_or_else(|| Error::NoTable(table.to_owned()))
    }

    /// Pushes the rows of `SELECT … FROM … <rest>` into the sink.
    fn select(&mut self, selection: &Selection, rest: &str, sink: &mut dyn RowSink) -> Result<()> {
        let relation = self.relation(&selection.table)?;
        let column = |name: &String| relation.columns.get(name).ok_or_else(|| Error::NoTable(selection.table.clone()));
        let columns = selection.columns.iter().map(|selected| column(&selected.name)).collect::<Result<Vec<_>>>()?;
        let wires: Vec<Wire> = columns.iter().map(|column| column.wire).collect();
        let formats: Vec<Format> = wires.iter().map(|wire| wire.format()).collect();
        let list: Vec<&str> = columns.iter().map(|column| column.expression.as_str()).collect();
        let sql = format!("SELECT {} FROM {}{rest}", list.join(", "), relation.from);
        let mut reader = RowReader::new(&wires, sink);
        let sent = self.session.read(&sql, &formats, |piece| reader.feed(piece))?;
        reader.finish(sent)
    }
}

impl Snapshot for PostgresSnapshot {
    fn isolation(&self) -> &'static str {
        "repeatable read, read only"
    }

    fn blocks_writers(&self) -> bool {
        false
    }

    fn catalog(&mut self) -> Result<Catalog> {
        Ok(self.schema.catalog.clone())
    }

    fn count(&mut self, table: &str) -> Result<u64> {
        let sql = format!("SELECT count(*) FROM {}", self.relation(table)?.from);
        let rows = self.session.fetch(&sql, &[])?;
        rows.first().ok_or(Error::Protocol)?.parse(0).map_err(fault::explain)
    }

    fn sample(&mut self, selection: &Selection, sink: &mut dyn RowSink) -> Result<()> {
        let relation = self.relation(&selection.table)?;
        let question = "SELECT coalesce(sum(pg_relation_size(part)), 0) / 8192.0, coalesce(sum(greatest(reltuples, 0)), 0) \
            FROM (SELECT CAST($1 AS oid) part UNION SELECT relid FROM pg_partition_tree(CAST($1 AS oid))) parts \
            JOIN pg_class ON oid = part";
        let question = format!("SELECT CAST(a AS float8), CAST(b AS float8) FROM ({question}) sizes(a, b)");
        let oid = relation.oid.to_string();
        let rows = self.session.fetch(&question, &[&oid])?;
        let size = |row: &Row| -> client::Result<(f64, f64)> { Ok((row.parse(0)?, row.parse(1)?)) };
        let (pages, tuples) = rows.first().map_or(Ok((0.0, 0.0)), size).map_err(fault::explain)?;
        // Statistics may be missing; assume 40 rows a page then.
        let rows_per_page = if tuples > 0.0 && pages > 0.0 { tuples / pages } else { 40.0 };
        let percent = (100.0 * (SAMPLE_ROWS / rows_per_page).max(16.0) / pages.max(1.0)).min(100.0);
        self.select(
            selection,
            &format!(" TABLESAMPLE pg_catalog.system ({percent:.6}) REPEATABLE (1) LIMIT {SAMPLE_LIMIT}"),
            sink,
        )
    }

    fn read_table(&mut self, selection: &Selection, sink: &mut dyn RowSink) -> Result<()> {
        // Parallel workers would return rows in arrival order instead of storage order.
        self.session.execute("SET LOCAL max_parallel_workers_per_gather = 0")?;
        let order = match selection.order {
            RecordOrder::Storage => String::new(),
            RecordOrder::Key => {
                let columns = &self.relation(&selection.table)?.columns;
                let order =
                    |name: &String| columns.get(name).map_or_else(|| quoted(name), |column| column.order.clone());
                let key: Vec<String> = selection.key.iter().map(order).collect();
                if key.is_empty() { String::new() } else { format!(" ORDER BY {}", key.join(", ")) }
            }
        };
        self.select(selection, &order, sink)
    }
}

fn lock(session: &mut Session, seen: &Schema, timeout: Duration) -> Result<()> {
    let unreadable = |name: &String| seen.catalog.unreadable.iter().any(|table| table.table == *name);
    let readable: Vec<&Relation> =
        seen.relations.iter().filter(|(name, _)| !unreadable(name)).map(|(_, relation)| relation).collect();
    if readable.is_empty() {
        return Ok(());
    }
    let list: Vec<&str> = readable.iter().map(|relation| relation.from.as_str()).collect();
    match session.execute(&format!("LOCK TABLE {} IN ACCESS SHARE MODE", list.join(", "))) {
        Err(Error::Locked) => Err(holder(session, timeout)),
        locked => locked,
    }
}

/// Finds the holder of the lock we waited for, on a second connection: this session's transaction is aborted.
fn holder(session: &Session, timeout: Duration) -> Error {
    let question = "SELECT CASE n.nspname WHEN 'public' THEN '' ELSE CAST(n.nspname AS text) || '.' END || \
                    CAST(c.relname AS text), coalesce(CAST(a.usename AS text), '?'), \
                    coalesce(nullif(a.application_name, ''), 'a program'), l.pid \
                    FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace \
                    LEFT JOIN pg_stat_activity a ON a.pid = l.pid \
                    WHERE l.mode = 'AccessExclusiveLock' AND l.locktype = 'relation' AND l.pid <> pg_backend_pid() \
                    AND c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' \
                    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
                    ORDER BY l.granted DESC, a.xact_start LIMIT 1";
    let seconds = timeout.as_secs();
    let rows = session.fetch_beside(question).unwrap_or_default();
    let read = |row: &Row| -> client::Result<Error> {
        let (table, user, program) = (row.text(0)?.into(), row.text(1)?.into(), row.text(2)?.into());
        Ok(Error::LockedBy { table, user, program, process: row.parse(3)?, seconds })
    };
    rows.first().and_then(|row| read(row).ok()).unwrap_or(Error::TableLocked { seconds })
}
