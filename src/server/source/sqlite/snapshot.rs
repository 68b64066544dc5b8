//! One read transaction, and all reads in it.

use rusqlite::{Connection, Params, types::ValueRef};

use super::super::{Error, Result, Snapshot};
use super::{catalog, double_quote_identifier};
use crate::model::name::TableName;
use crate::server::rows::{Catalog, Restriction, RowSink, Scan, Value};

/// A sample takes this many places in the table, and this many neighbouring rows at each.
const SAMPLE_POINTS: i64 = 64;
const ROWS_PER_POINT: i64 = 4;

pub struct SqliteSnapshot {
    connection: Connection,
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
        Ok(Self { connection })
    }

    fn push_rows(&self, sql: &str, params: impl Params, width: usize, sink: &mut dyn RowSink) -> Result<()> {
        let mut statement = self.connection.prepare(sql)?;
        let mut rows = statement.query(params)?;
        while let Some(row) = rows.next()? {
            for column in 0..width {
                sink.push_value(to_value(row.get_ref(column)?)).map_err(|_| Error::sink_stopped())?;
            }
            sink.end_row().map_err(|_| Error::sink_stopped())?;
        }
        Ok(())
    }

    /// The name under which the row id is reachable: columns may shadow it, and WITHOUT ROWID tables have none.
    fn rowid_name(&self, table: &TableName) -> Result<Option<&'static str>> {
        let mut has_rowid = self.connection.prepare(
            "SELECT 1 FROM pragma_table_list WHERE schema = 'main' AND name = ?1 AND type = 'table' AND NOT wr",
        )?;
        if !has_rowid.exists([table.as_str()])? {
            return Ok(None);
        }
        let mut is_column =
            self.connection.prepare("SELECT 1 FROM pragma_table_xinfo(?1) WHERE name = ?2 COLLATE NOCASE")?;
        for name in ["rowid", "_rowid_", "oid"] {
            if !is_column.exists([table.as_str(), name])? {
                return Ok(Some(name));
            }
        }
        Ok(None)
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

    fn count(&mut self, scan: &Scan) -> Result<u64> {
        let sql = format!("SELECT count(*) AS records FROM {}", from_item(scan));
        Ok(self.connection.query_row(&sql, [], |row| row.get("records"))?)
    }

    fn sample(&mut self, scan: &Scan, sink: &mut dyn RowSink) -> Result<()> {
        let (columns, table) = (column_list(scan), from_item(scan));
        let Some(rowid) = self.rowid_name(&scan.table)? else {
            return self.push_rows(
                &format!("SELECT {columns} FROM {table} LIMIT {}", SAMPLE_POINTS * ROWS_PER_POINT),
                [],
                scan.columns.len(),
                sink,
            );
        };
        // Two queries: SQLite answers each from one end of the B-tree, but both in one query by a full scan.
        let extreme = |which: &str| {
            let sql = format!("SELECT {which}({rowid}) AS extreme FROM {table}");
            self.connection.query_row(&sql, [], |row| row.get::<_, Option<i64>>("extreme"))
        };
        let (Some(first), Some(last)) = (extreme("min")?, extreme("max")?) else { return Ok(()) };
        let step = (i128::from(last) - i128::from(first)) / i128::from(SAMPLE_POINTS);
        if step < i128::from(ROWS_PER_POINT) {
            return self.push_rows(
                &format!("SELECT {columns} FROM {table} LIMIT {}", SAMPLE_POINTS * ROWS_PER_POINT),
                [],
                scan.columns.len(),
                sink,
            );
        }
        let sql = format!("SELECT {columns} FROM {table} WHERE {rowid} >= ?1 ORDER BY {rowid} LIMIT {ROWS_PER_POINT}");
        for place in 0..SAMPLE_POINTS {
            let start = i128::from(first) + step * i128::from(place);
            let start = i64::try_from(start).unwrap_or_else(|_| unreachable!("between the first and the last"));
            self.push_rows(&sql, [start], scan.columns.len(), sink)?;
        }
        Ok(())
    }

    fn read_table(&mut self, scan: &Scan, sink: &mut dyn RowSink) -> Result<()> {
        let (columns, table) = (column_list(scan), from_item(scan));
        let order = if scan.order.is_empty() {
            // SQLite may otherwise scan a covering index, in the index's order and with a lookup for each row.
            "NOT INDEXED".to_owned()
        } else {
            let key: Vec<String> = scan.order.iter().map(|column| double_quote_identifier(column)).collect();
            format!("ORDER BY {}", key.join(", "))
        };
        self.push_rows(&format!("SELECT {columns} FROM {table} {order}"), [], scan.columns.len(), sink)
    }
}

/// The FROM item, with the rows that the scan is restricted to.
fn from_item(scan: &Scan) -> String {
    match scan.restrict {
        Restriction::All => double_quote_identifier(scan.table.as_str()),
    }
}

fn column_list(scan: &Scan) -> String {
    if scan.columns.is_empty() {
        return "NULL".into();
    }
    scan.columns.iter().map(|column| double_quote_identifier(&column.name)).collect::<Vec<_>>().join(", ")
}

fn to_value(value: ValueRef<'_>) -> Value<'_> {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(n) => Value::Integer(n),
        ValueRef::Real(n) => Value::Double(n),
        ValueRef::Text(bytes) => Value::Text(bytes),
        ValueRef::Blob(bytes) => Value::Blob(bytes),
    }
}
