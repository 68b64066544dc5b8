//! One consistent view: every table is locked against rewrites first, then the snapshot is taken.

use std::time::Duration;

use super::super::{Error, Extent, Kind, Result, SelectRows, Snapshot};
use super::catalog::{self, Relation, RelationColumn, Schema};
use super::client::{self, Format, Row};
use super::cursor::Cursor;
use super::database_session::DatabaseSession;
use super::decode::PgType;
use super::double_quote_identifier;
use super::error::{self, LockHolder};
use super::key_sets::KeySets;
use super::reader::RowReader;
use super::statistics::TableSize;
use crate::model::catalog::ColumnSchema;
use crate::server::rows::{
    Catalog, CursorId, KeySetId, NewKeySet, OrderedScan, Restriction, Round, RowSink, Scan, Step,
};

/// Attempts before giving up on a schema that keeps changing while we read it.
const MAX_ATTEMPTS: usize = 5;
/// Target size of a sample, from pages spread over the table.
const SAMPLE_ROWS: f64 = 500.0;
const MAX_SAMPLE_ROWS: u32 = 2_000;

pub struct PostgresSnapshot {
    session: DatabaseSession,
    schema: Schema,
    key_sets: KeySets,
    cursors: Vec<Cursor>,
}

impl PostgresSnapshot {
    /// Locks every readable table, then takes the snapshot and reads the schema in it.
    ///
    /// # Errors
    /// `Locked` when another session holds a table longer than `lock_timeout`, `Rejected` when the schema keeps changing, or an error of the server.
    pub fn begin(mut session: DatabaseSession, extent: Extent, lock_timeout: Duration) -> Result<Self> {
        for _ in 0..MAX_ATTEMPTS {
            let expected = session.with_transaction(catalog::read)?;
            session.begin_snapshot(extent, lock_timeout).map_err(error::no_key_sets)?;
            match lock_tables(&mut session, &expected, lock_timeout) {
                Err(error) if error::is_table_gone(&error) => {}
                locked => {
                    locked?;
                    // The first query takes the snapshot. Without the locks before it, a concurrent TRUNCATE or
                    // rewriting ALTER would make a table read as empty.
                    session.identify_backend()?;
                    let schema = catalog::read(&mut session)?;
                    if schema.relations == expected.relations {
                        return Ok(Self { session, schema, key_sets: KeySets::default(), cursors: Vec::new() });
                    }
                }
            }
            session.rollback()?;
        }
        Err(error::schema_unstable())
    }

    /// The clause for the rows that the scan is restricted to.
    fn where_clause(&self, scan: &Scan) -> Result<String> {
        Ok(match scan.restrict {
            Restriction::All => String::new(),
            Restriction::Keys(keys) => format!(" WHERE {}", self.key_sets.contains_sql(keys, "t")?),
        })
    }

    /// The value to read of a row `t`.
    fn value(&self, scan: &Scan, name: &str, column: &RelationColumn) -> Result<String> {
        let inside = scan.conditions_of(name).into_iter();
        let inside = inside.map(|any_of| self.key_sets.leads_inside_sql(&self.schema, &scan.table, "t", &any_of));
        let conditions = inside.collect::<Result<Vec<_>>>()?;
        Ok(if conditions.is_empty() {
            format!("t.{}", column.expression)
        } else {
            format!("CASE WHEN {} THEN t.{} END", conditions.join(" AND "), column.expression)
        })
    }

    fn order_clause(&self, scan: &Scan) -> Result<String> {
        let columns = &self.schema.relation(&scan.table)?.columns;
        let expression =
            |name: &String| columns.get(name).map_or_else(|| double_quote_identifier(name), RelationColumn::order_by);
        let key: Vec<String> = scan.order.iter().map(expression).collect();
        Ok(match (&key[..], scan.restrict) {
            ([], Restriction::All) => String::new(),
            // A join with the keys gives them in any order.
            ([], Restriction::Keys(_)) => " ORDER BY t.tableoid, t.ctid".to_owned(),
            (key, _) => format!(" ORDER BY {}", key.join(", ")),
        })
    }

    /// Pushes the scan's rows into the sink: those of the part of the table that `part` names, in the order that `rest`
    /// asks for.
    fn select(&mut self, scan: &Scan, part: &str, rest: &str, sink: &mut dyn RowSink) -> Result<()> {
        let from = format!("{} AS t{part}", self.schema.relation(&scan.table)?.from_item);
        let restriction = self.where_clause(scan)?;
        self.select_from(scan, &from, &format!("{restriction}{rest}"), sink)
    }

    /// Pushes the scan's columns of the rows `t` that these clauses select.
    fn select_from(&mut self, scan: &Scan, from: &str, rest: &str, sink: &mut dyn RowSink) -> Result<()> {
        let relation = self.schema.relation(&scan.table)?;
        let column = |name: &String| relation.columns.get(name).ok_or_else(|| Error::no_table(&scan.table));
        let columns = scan.columns.iter().map(|selected| column(&selected.name)).collect::<Result<Vec<_>>>()?;
        let types: Vec<PgType> = columns.iter().map(|column| column.pg_type).collect();
        let formats: Vec<Format> = types.iter().map(|wire| wire.format()).collect();
        let list = scan.columns.iter().zip(&columns).map(|(selected, column)| self.value(scan, &selected.name, column));
        let list = list.collect::<Result<Vec<_>>>()?;
        let sql = format!("SELECT {} FROM {from}{rest}", list.join(", "));
        let mut reader = RowReader::new(&types, sink);
        let sent_rows = self.session.read_rows(&sql, &formats, |piece| reader.feed(piece))?;
        reader.finish(sent_rows)
    }
}

impl PostgresSnapshot {
    /// Reads the rows of a set in the order in which they are stored. A join would give them in any order, and sorting the rows
    /// would write all of them to the server's disk.
    fn read_by_place(&mut self, scan: &Scan, keys: KeySetId, sink: &mut dyn RowSink) -> Result<()> {
        let from = format!("{} AS t", self.schema.relation(&scan.table)?.from_item);
        for in_place in self.key_sets.by_place(&mut self.session, keys)? {
            self.select_from(scan, &from, &format!(" WHERE {in_place}"), sink)?;
        }
        Ok(())
    }

    /// The part of the table's rows that the scan is restricted to, from 0.001 to 1.
    #[expect(clippy::cast_precision_loss, reason = "statistics")]
    fn selected_share(&mut self, scan: &Scan, rows: f64) -> Result<f64> {
        match scan.restrict {
            Restriction::All => Ok(1.0),
            Restriction::Keys(_) => Ok((self.count(scan)? as f64 / rows.max(1.0)).clamp(0.001, 1.0)),
        }
    }
}

impl SelectRows for PostgresSnapshot {
    fn create_key_sets(&mut self, new: &[NewKeySet]) -> Result<()> {
        self.session.allow_temporary_tables()?;
        self.key_sets = KeySets::create(&mut self.session, &self.schema, new)?;
        self.session.forbid_writes()
    }

    fn run_step(&mut self, step: &Step, round: Round) -> Result<u64> {
        self.key_sets.run(&mut self.session, &self.schema, step, round)
    }

    fn clear_key_set(&mut self, set: KeySetId) -> Result<()> {
        self.key_sets.clear(&mut self.session, set)
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

    fn estimate_step(&mut self, step: &Step) -> Result<u64> {
        self.key_sets.estimate(&mut self.session, &self.schema, step)
    }

    fn find_first(&mut self, among: KeySetId, of: KeySetId, into: KeySetId) -> Result<Option<u32>> {
        self.key_sets.find_first(&mut self.session, among, of, into)
    }

    fn open_cursor(&mut self, ordered: &OrderedScan) -> Result<CursorId> {
        let relation = self.schema.relation(&ordered.scan.table)?;
        let value = |selected: &ColumnSchema| {
            let column = relation.columns.get(&selected.name).ok_or_else(|| Error::no_table(&ordered.scan.table))?;
            self.value(&ordered.scan, &selected.name, column)
        };
        let values = ordered.scan.columns.iter().map(value).collect::<Result<Vec<_>>>()?;
        let number = self.cursors.len();
        let cursor = Cursor::open(&mut self.session, &self.schema, &self.key_sets, number, ordered, &values)?;
        self.cursors.push(cursor);
        Ok(CursorId(number))
    }

    fn fetch(&mut self, cursor: CursorId, rows: u32, sink: &mut dyn RowSink) -> Result<u64> {
        let cursor = self.cursors.get(cursor.0).ok_or_else(error::invalid_message)?;
        cursor.fetch(&mut self.session, rows, sink)
    }

    fn count(&mut self, scan: &Scan) -> Result<u64> {
        if let Restriction::Keys(keys) = scan.restrict {
            return self.key_sets.rows(keys);
        }
        self.key_sets.counts.count(&mut self.session, &self.schema, &scan.table)
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "statistics")]
    fn estimate(&mut self, scan: &Scan) -> Result<u64> {
        let size = TableSize::read(&mut self.session, self.schema.relation(&scan.table)?)?;
        size.rows
            .map_or_else(|| self.count(&Scan { restrict: Restriction::All, ..scan.clone() }), |rows| Ok(rows as u64))
    }

    fn sample(&mut self, scan: &Scan, sink: &mut dyn RowSink) -> Result<()> {
        let TableSize { pages, rows } = TableSize::read(&mut self.session, self.schema.relation(&scan.table)?)?;
        let rows = rows.unwrap_or_default();
        // Statistics may be missing; assume 40 rows a page then.
        let rows_per_page = if rows > 0.0 && pages > 0.0 { rows / pages } else { 40.0 };
        let sampled_pages = (SAMPLE_ROWS / rows_per_page).max(16.0) / self.selected_share(scan, rows)?;
        let percent = (100.0 * sampled_pages / pages.max(1.0)).min(100.0);
        let part = format!(" TABLESAMPLE pg_catalog.system ({percent:.6}) REPEATABLE (1)");
        self.select(scan, &part, &format!(" LIMIT {MAX_SAMPLE_ROWS}"), sink)
    }

    fn read_table(&mut self, scan: &Scan, sink: &mut dyn RowSink) -> Result<()> {
        // Parallel workers would return rows in arrival order instead of storage order.
        self.session.execute("SET LOCAL max_parallel_workers_per_gather = 0")?;
        match scan.restrict {
            Restriction::Keys(keys) if self.key_sets.is_whole(keys) => {
                self.read_table(&Scan { restrict: Restriction::All, ..scan.clone() }, sink)
            }
            Restriction::Keys(keys)
                if scan.order.is_empty() && !self.schema.relation(&scan.table)?.is_partitioned() =>
            {
                self.read_by_place(scan, keys, sink)
            }
            _ => {
                let order = self.order_clause(scan)?;
                self.select(scan, "", &order, sink)
            }
        }
    }
}

fn lock_tables(session: &mut DatabaseSession, schema: &Schema, timeout: Duration) -> Result<()> {
    let readable: Vec<&Relation> = schema
        .relations
        .iter()
        .filter(|(name, _)| !schema.catalog.is_unreadable(name))
        .map(|(_, relation)| relation)
        .collect();
    if readable.is_empty() {
        return Ok(());
    }
    let list: Vec<&str> = readable.iter().map(|relation| relation.from_item.as_str()).collect();
    match session.execute(&format!("LOCK TABLE {} IN ACCESS SHARE MODE", list.join(", "))) {
        Err(Error { kind: Kind::Locked, .. }) => Err(find_lock_holder(session, timeout)),
        locked => locked,
    }
}

/// Finds the holder of the lock we waited for, on a second connection: this session's transaction is aborted.
fn find_lock_holder(session: &DatabaseSession, timeout: Duration) -> Error {
    let sql = "SELECT CASE n.nspname WHEN 'public' THEN '' ELSE CAST(n.nspname AS text) || '.' END || \
                    CAST(c.relname AS text) AS relation, coalesce(CAST(a.usename AS text), '?') AS username, \
                    coalesce(nullif(a.application_name, ''), 'a program') AS program, l.pid AS process \
                    FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace \
                    LEFT JOIN pg_stat_activity a ON a.pid = l.pid \
                    WHERE l.mode = 'AccessExclusiveLock' AND l.locktype = 'relation' AND l.pid <> pg_backend_pid() \
                    AND c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' \
                    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
                    ORDER BY l.granted DESC, a.xact_start LIMIT 1";
    let seconds = timeout.as_secs();
    // Without the second connection, the message does not say who holds the lock.
    let holder = session.fetch_on_second_connection(sql).ok().and_then(|rows| lock_holder(rows.first()?).ok());
    error::table_locked(holder, seconds)
}

fn lock_holder(row: &Row) -> client::Result<LockHolder> {
    Ok(LockHolder {
        table: row.text("relation")?.into(),
        user: row.parse("username")?,
        program: row.parse("program")?,
        process: row.parse("process")?,
    })
}
