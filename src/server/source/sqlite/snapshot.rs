//! One read transaction, and all reads in it.

use rusqlite::{Connection, Params, types::ValueRef};

use super::super::{Error, Result, SelectRows, Snapshot};
use super::cursor::Cursor;
use super::key_sets::{KeySets, RowKey, clear, main_table, stored_table};
use super::row_identity::rowid_name;
use super::{catalog, double_quote_identifier};
use crate::model::catalog::ColumnSchema;
use crate::model::name::TableName;
use crate::server::rows::{
    Catalog, CursorId, KeySetId, NewKeySet, OrderedScan, Restriction, Round, RowSink, Scan, Step, Value,
};

/// A sample takes this many places in the table, and this many neighbouring rows at each.
const SAMPLE_POINTS: i64 = 64;
const ROWS_PER_POINT: i64 = 4;

pub struct SqliteSnapshot {
    connection: Connection,
    key_sets: KeySets,
    cursors: Vec<Cursor>,
}

impl SqliteSnapshot {
    /// Begins the transaction and takes the snapshot with a first read.
    ///
    /// # Errors
    /// When the file is locked, damaged or not a database: the first read reports it.
    pub fn begin(connection: Connection) -> Result<Self> {
        // BEGIN takes no lock; the first read takes the snapshot.
        connection.execute_batch("BEGIN")?;
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        Ok(Self { connection, key_sets: KeySets::default(), cursors: Vec::new() })
    }

    /// Whether the row ids are the values of a column, `INTEGER PRIMARY KEY` (sqlite.org, CREATE TABLE, section 5).
    fn has_integer_key(&self, table: &TableName) -> Result<bool> {
        let sql = "SELECT count(*) = 1 AND max(type = 'INTEGER' COLLATE NOCASE) FROM pragma_table_xinfo(?1, 'main') WHERE pk > 0";
        let is_integer = self.connection.query_row(sql, [table.as_str()], |row| row.get::<_, Option<bool>>(0))?;
        Ok(is_integer.unwrap_or_default())
    }

    /// Pushes the rows that a query selects, and returns their number.
    fn push_rows(&self, sql: &str, params: impl Params, width: usize, sink: &mut dyn RowSink) -> Result<u64> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        let mut pushed = 0;
        while let Some(row) = rows.next()? {
            for column in 0..width {
                sink.push_value(to_value(row.get_ref(column)?)).map_err(|_| Error::sink_stopped())?;
            }
            sink.end_row().map_err(|_| Error::sink_stopped())?;
            pushed += 1;
        }
        Ok(pushed)
    }
}

impl SqliteSnapshot {
    /// The values to read of a row `t`.
    fn column_list(&self, scan: &Scan) -> Result<String> {
        let column = |column: &ColumnSchema| {
            let name = format!("t.{}", double_quote_identifier(&column.name));
            let inside = scan.conditions_of(&column.name).into_iter();
            let inside = inside.map(|any_of| self.key_sets.leads_inside_sql(&scan.table, "t", &any_of));
            let conditions = inside.collect::<Result<Vec<_>>>()?;
            Ok(if conditions.is_empty() {
                name
            } else {
                format!("CASE WHEN {} THEN {name} END", conditions.join(" AND "))
            })
        };
        let columns = scan.columns.iter().map(column).collect::<Result<Vec<_>>>()?;
        Ok(if columns.is_empty() { "NULL".into() } else { columns.join(", ") })
    }

    /// The clause for the rows that the scan is restricted to.
    fn where_sql(&self, scan: &Scan) -> Result<String> {
        Ok(match scan.restrict {
            Restriction::All => String::new(),
            Restriction::Keys(keys) => format!(" WHERE {}", self.key_sets.contains_sql(keys, "t")?),
        })
    }
}

impl SelectRows for SqliteSnapshot {
    fn create_key_sets(&mut self, new: &[NewKeySet]) -> Result<()> {
        self.key_sets = KeySets::create(&self.connection, new)?;
        Ok(())
    }

    fn run_step(&mut self, step: &Step, round: Round) -> Result<u64> {
        self.key_sets.run(&self.connection, step, round)
    }

    fn clear_key_set(&mut self, set: KeySetId) -> Result<()> {
        clear(&self.connection, set)
    }
}

impl Snapshot for SqliteSnapshot {
    fn isolation(&self) -> &'static str {
        "snapshot (one read transaction)"
    }

    /// In every journal mode but WAL, readers and writers block each other (sqlite.org/wal.html).
    fn blocks_writers(&self) -> bool {
        let mode = self.connection.query_row("PRAGMA journal_mode", [], |row| row.get::<_, String>("journal_mode"));
        mode.map_or(true, |mode| mode != "wal")
    }

    fn catalog(&mut self) -> Result<Catalog> {
        catalog::read(&self.connection)
    }

    fn open_cursor(&mut self, ordered: &OrderedScan) -> Result<CursorId> {
        let catalog = catalog::read(&self.connection)?;
        let (number, values) = (self.cursors.len(), self.column_list(&ordered.scan)?);
        let row_key = |name: &TableName| RowKey::of_table(&self.connection, &catalog, name);
        let cursor = Cursor::open(&self.connection, &self.key_sets, number, ordered, &values, row_key)?;
        self.cursors.push(cursor);
        Ok(CursorId(number))
    }

    fn fetch(&mut self, cursor: CursorId, rows: u32, sink: &mut dyn RowSink) -> Result<u64> {
        let Some(open) = self.cursors.get(cursor.0) else { return Ok(0) };
        let last = open.fetched + u64::from(rows);
        let pushed = self.push_rows(&open.sql, [open.fetched, last], open.width, sink)?;
        self.cursors[cursor.0].fetched += pushed;
        Ok(pushed)
    }

    fn estimate_step(&mut self, step: &Step) -> Result<u64> {
        self.key_sets.estimate(&self.connection, step)
    }

    fn find_first(&mut self, among: KeySetId, of: KeySetId, into: KeySetId) -> Result<Option<u32>> {
        self.key_sets.find_first(&self.connection, among, of, into)
    }

    fn count(&mut self, scan: &Scan) -> Result<u64> {
        let rows = match scan.restrict {
            Restriction::All => main_table(&scan.table),
            Restriction::Keys(keys) => stored_table(keys),
        };
        let sql = format!("SELECT count(*) AS records FROM {rows}");
        Ok(self.connection.query_row(&sql, [], |row| row.get("records"))?)
    }

    fn estimate(&mut self, scan: &Scan) -> Result<u64> {
        // Row ids that no column shows count up by themselves.
        let rowid = if self.has_integer_key(&scan.table)? { None } else { rowid_name(&self.connection, &scan.table)? };
        let Some(rowid) = rowid else {
            return self.count(&Scan { restrict: Restriction::All, ..scan.clone() });
        };
        let extreme = |which: &str| {
            let sql = format!("SELECT {which}({rowid}) AS extreme FROM {}", main_table(&scan.table));
            self.connection.query_row(&sql, [], |row| row.get::<_, Option<i64>>("extreme"))
        };
        let (Some(first), Some(last)) = (extreme("min")?, extreme("max")?) else { return Ok(0) };
        Ok(last.abs_diff(first).saturating_add(1))
    }

    fn sample(&mut self, scan: &Scan, sink: &mut dyn RowSink) -> Result<()> {
        let (columns, table, width) = (self.column_list(scan)?, main_table(&scan.table), scan.columns.len());
        let first_rows = format!(
            "SELECT {columns} FROM {table} AS t{} LIMIT {}",
            self.where_sql(scan)?,
            SAMPLE_POINTS * ROWS_PER_POINT
        );
        let Some(rowid) = rowid_name(&self.connection, &scan.table)? else {
            return self.push_rows(&first_rows, [], width, sink).map(drop);
        };
        let (ids, id) = match scan.restrict {
            Restriction::All => (table.clone(), rowid),
            Restriction::Keys(keys) => (stored_table(keys), "k0"),
        };
        // Two queries: SQLite answers each from one end of the B-tree, but both in one query by a full scan.
        let extreme = |which: &str| {
            let sql = format!("SELECT {which}({id}) AS extreme FROM {ids}");
            self.connection.query_row(&sql, [], |row| row.get::<_, Option<i64>>("extreme"))
        };
        let (Some(first), Some(last)) = (extreme("min")?, extreme("max")?) else { return Ok(()) };
        let step = (i128::from(last) - i128::from(first)) / i128::from(SAMPLE_POINTS);
        if step < i128::from(ROWS_PER_POINT) {
            return self.push_rows(&first_rows, [], width, sink).map(drop);
        }
        let sql = format!(
            "SELECT {columns} FROM {table} AS t WHERE t.{rowid} IN \
             (SELECT {id} FROM {ids} WHERE {id} >= ?1 ORDER BY {id} LIMIT {ROWS_PER_POINT})"
        );
        for place in 0..SAMPLE_POINTS {
            let start = i128::from(first) + step * i128::from(place);
            let start = i64::try_from(start).unwrap_or_else(|_| unreachable!("between the first and the last"));
            self.push_rows(&sql, [start], width, sink)?;
        }
        Ok(())
    }

    fn read_table(&mut self, scan: &Scan, sink: &mut dyn RowSink) -> Result<()> {
        let (columns, table, restriction) = (self.column_list(scan)?, main_table(&scan.table), self.where_sql(scan)?);
        let sql = if scan.order.is_empty() {
            // SQLite may otherwise scan a covering index, in the index's order and with a lookup for each row.
            format!("SELECT {columns} FROM {table} AS t NOT INDEXED{restriction}")
        } else {
            let key: Vec<String> =
                scan.order.iter().map(|column| format!("t.{}", double_quote_identifier(column))).collect();
            format!("SELECT {columns} FROM {table} AS t{restriction} ORDER BY {}", key.join(", "))
        };
        self.push_rows(&sql, [], scan.columns.len(), sink).map(drop)
    }
}

pub fn to_value(value: ValueRef<'_>) -> Value<'_> {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(n) => Value::Integer(n),
        ValueRef::Real(n) => Value::Double(n),
        ValueRef::Text(bytes) => Value::Text(bytes),
        ValueRef::Blob(bytes) => Value::Blob(bytes),
    }
}
