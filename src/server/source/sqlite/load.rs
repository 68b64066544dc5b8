//! Fills tables of an `SQLite` file in one transaction, by one prepared statement a table.

use std::ops::Range;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, params_from_iter};

use super::super::target::{Load, Target, TargetRules};
use super::super::{Error, InterruptHandle, Kind, Result, double_quote_identifier};
use super::{SqliteSource, catalog, error, key_sets::main_table};
use crate::model::name::TableName;
use crate::server::rows::{Catalog, RowSink, Stopped, Value};

/// More pages in memory than by default: inserting into several indexes touches many.
const CACHE_KIB: u32 = 64 << 10;

const DANGLING_QUERY: &str = "
    SELECT \"table\" || ' (' || count(*) || ' to ' || parent || ')' FROM pragma_foreign_key_check
     GROUP BY \"table\", parent ORDER BY \"table\", parent";

/// An `SQLite` file to write to.
#[derive(Clone, Debug)]
pub struct SqliteTarget(SqliteSource);

impl SqliteTarget {
    #[must_use]
    pub fn new(source: SqliteSource) -> Self {
        Self(source)
    }
}

impl Target for SqliteTarget {
    fn engine(&self) -> &'static str {
        "SQLite"
    }

    fn begin_load(&self, on_handle: &dyn Fn(InterruptHandle)) -> Result<Box<dyn Load>> {
        let file = std::fs::metadata(self.0.path()).map_err(|error| error::no_metadata(&error))?;
        if file.is_dir() {
            return Err(error::cannot_open("it is a directory"));
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(self.0.path(), flags)?;
        let handle = connection.get_interrupt_handle();
        on_handle(Box::new(move || handle.interrupt()));
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
        // Triggers, checks and indexes of the file may call no function that reaches outside of it.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        connection.execute_batch(&format!(
            "PRAGMA mmap_size = 0; PRAGMA trusted_schema = OFF; PRAGMA temp_store = FILE; PRAGMA cache_size = -{CACHE_KIB};
             PRAGMA foreign_keys = ON; BEGIN IMMEDIATE; PRAGMA defer_foreign_keys = ON;"
        ))?;
        Ok(Box::new(SqliteLoad { connection, insert: String::new(), row: Row::default(), table: None, failure: None }))
    }
}

struct SqliteLoad {
    connection: Connection,
    /// The statement for the current table.
    insert: String,
    row: Row,
    /// The current table, and how many rows it has got.
    table: Option<(TableName, u64)>,
    failure: Option<Error>,
}

/// The values of a row. Their bytes lie one after the other, so that a row allocates nothing.
#[derive(Default)]
struct Row {
    bytes: Vec<u8>,
    cells: Vec<Cell>,
}

enum Cell {
    Null,
    Integer(i64),
    Real(f64),
    Text(Range<usize>),
    Blob(Range<usize>),
}

impl Row {
    fn push(&mut self, value: Value<'_>) {
        let cell = match value {
            Value::Null => Cell::Null,
            Value::Boolean(value) => Cell::Integer(value.into()),
            Value::Integer(n) => Cell::Integer(n),
            Value::Float(n) => Cell::Real(n.into()),
            Value::Double(n) => Cell::Real(n),
            Value::SafeAscii(text) | Value::Text(text) => Cell::Text(self.keep(text)),
            Value::Blob(bytes) => Cell::Blob(self.keep(bytes)),
        };
        self.cells.push(cell);
    }

    fn keep(&mut self, bytes: &[u8]) -> Range<usize> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        start..self.bytes.len()
    }

    fn values(&self) -> impl Iterator<Item = ToSqlOutput<'_>> {
        self.cells.iter().map(|cell| {
            ToSqlOutput::Borrowed(match cell {
                Cell::Null => ValueRef::Null,
                Cell::Integer(n) => ValueRef::Integer(*n),
                Cell::Real(n) => ValueRef::Real(*n),
                Cell::Text(range) => ValueRef::Text(&self.bytes[range.clone()]),
                Cell::Blob(range) => ValueRef::Blob(&self.bytes[range.clone()]),
            })
        })
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.cells.clear();
    }
}

impl SqliteLoad {
    fn insert_row(&mut self) -> Result<()> {
        let Some((table, rows)) = &mut self.table else { return Err(no_table_begun()) };
        let inserted = self.connection.prepare_cached(&self.insert)?.execute(params_from_iter(self.row.values()));
        *rows += 1;
        inserted.map(drop).map_err(|error| {
            refused(error, |message| format!("record {rows} of {table} is refused by the database: {message}"))
        })
    }

    /// The tables with references that lead nowhere, after the commit was refused for it.
    fn dangling(&self) -> Result<Vec<String>> {
        let mut statement = self.connection.prepare(DANGLING_QUERY)?;
        let found = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        Ok(found)
    }
}

fn no_table_begun() -> Error {
    Error::new(Kind::Failed, "internal error: a row without a table; please report it")
}

/// What the file's own rules refuse. The message names tables, columns and constraints, and no value.
fn refused(error: rusqlite::Error, describe: impl FnOnce(&str) -> String) -> Error {
    match error {
        rusqlite::Error::SqliteFailure(cause, Some(ref message))
            if matches!(cause.code, ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch) =>
        {
            Error::new(Kind::Refused, describe(message))
        }
        rusqlite::Error::SqliteFailure(cause, _) if cause.code == ErrorCode::DiskFull => {
            Error::new(Kind::Failed, "the disk that holds the database is full")
        }
        other => other.into(),
    }
}

impl RowSink for SqliteLoad {
    fn push_value(&mut self, value: Value<'_>) -> std::result::Result<(), Stopped> {
        self.row.push(value);
        Ok(())
    }

    fn end_row(&mut self) -> std::result::Result<(), Stopped> {
        let inserted = self.insert_row();
        self.row.clear();
        inserted.map_err(|error| {
            self.failure = Some(error);
            Stopped
        })
    }
}

impl Load for SqliteLoad {
    fn catalog(&mut self) -> Result<Catalog> {
        catalog::read(&self.connection)
    }

    fn rules(&mut self, tables: &[TableName]) -> Result<TargetRules> {
        let mut rules = TargetRules::default();
        let mut defaults =
            self.connection.prepare("SELECT name FROM pragma_table_xinfo(?1, 'main') WHERE dflt_value IS NOT NULL")?;
        let mut triggers =
            self.connection.prepare("SELECT name FROM main.sqlite_schema WHERE type = 'trigger' AND tbl_name = ?1")?;
        for table in tables {
            for column in defaults.query_map([table.as_str()], |row| row.get::<_, String>(0))? {
                rules.defaults.insert(table.field(column?));
            }
            for trigger in triggers.query_map([table.as_str()], |row| row.get::<_, String>(0))? {
                rules.triggers.push(format!("{} on {table}", trigger?));
            }
        }
        // All foreign keys are checked at the commit (`defer_foreign_keys`).
        Ok(rules)
    }

    /// The transaction has held the file's only write lock from the beginning.
    fn lock(&mut self, _: &[TableName]) -> Result<()> {
        Ok(())
    }

    fn count(&mut self, table: &TableName) -> Result<u64> {
        Ok(self.connection.query_row(&format!("SELECT count(*) FROM {}", main_table(table)), [], |row| row.get(0))?)
    }

    fn begin_table(&mut self, table: &TableName, columns: &[String]) -> Result<()> {
        let into = main_table(table);
        self.insert = if columns.is_empty() {
            format!("INSERT INTO {into} DEFAULT VALUES")
        } else {
            let names: Vec<String> = columns.iter().map(|column| double_quote_identifier(column)).collect();
            let values = vec!["?"; columns.len()].join(", ");
            format!("INSERT INTO {into} ({}) VALUES ({values})", names.join(", "))
        };
        self.table = Some((table.clone(), 0));
        Ok(())
    }

    fn end_table(&mut self) -> Result<u64> {
        self.table.take().map(|(_, rows)| rows).ok_or_else(no_table_begun)
    }

    fn take_failure(&mut self) -> Error {
        self.failure.take().unwrap_or_else(no_table_begun)
    }

    fn commit(self: Box<Self>) -> Result<()> {
        match self.connection.execute_batch("COMMIT") {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
                let tables = self.dangling()?.join(", ");
                let what = format!("references lead to records that are not there: {tables}");
                Err(Error::new(Kind::Refused, what))
            }
            Err(error) => Err(refused(error, str::to_owned)),
            Ok(()) => Ok(()),
        }
    }
}
