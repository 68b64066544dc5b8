//! Fills tables of an `SQLite` file in one transaction, by one prepared statement a table.
//!
//! A dry run does the same and rolls back: code of the file can reach nothing outside of it, so that nothing is left.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, params_from_iter};

use super::super::target::{Load, Purpose, TableLoad, Target, TargetRules};
use super::super::{Error, InterruptHandle, Kind, Result, double_quote_identifier};
use super::{SqliteSource, catalog, error, key_sets::main_table};
use crate::model::import::{ImportMode, TableEffect};
use crate::model::name::TableName;
use crate::server::rows::{Catalog, RowSink, Stopped, Value};

/// More pages in memory than by default: inserting into several indexes touches many.
const CACHE_KIB: u32 = 64 << 10;

const DANGLING_QUERY: &str = "
    SELECT parent, count(*) FROM pragma_foreign_key_check(?1) GROUP BY parent ORDER BY parent";

type Dangling = BTreeMap<(TableName, String), u64>;

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

    fn begin_load(&self, purpose: Purpose, on_handle: &dyn Fn(InterruptHandle)) -> Result<Box<dyn Load>> {
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
        Ok(Box::new(SqliteLoad {
            connection,
            purpose,
            tables: Vec::new(),
            insert: String::new(),
            row: Row::default(),
            table: None,
            dangling_before: Dangling::new(),
            failure: None,
        }))
    }
}

struct SqliteLoad {
    connection: Connection,
    purpose: Purpose,
    tables: Vec<TableLoad>,
    /// The statement for the current table.
    insert: String,
    row: Row,
    table: Option<CurrentTable>,
    /// As it was before the import: what is not checked at all may dangle for years.
    dangling_before: Dangling,
    failure: Option<Error>,
}

/// The table that is being filled.
struct CurrentTable {
    number: usize,
    /// How many rows it had.
    rows_before: u64,
    pushed: u64,
    /// Rows that were inserted or changed.
    changed: u64,
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
        let Some(current) = &mut self.table else { return Err(no_table_begun()) };
        let load = &self.tables[current.number];
        current.pushed += 1;
        let refuse = |error, pushed| {
            refused(error, |message| format!("record {pushed} of {} is refused by the database: {message}", load.table))
        };
        if load.mode == ImportMode::Merge {
            let key = load.key.iter().filter_map(|name| load.columns.iter().position(|column| column == name));
            let values = self.row.values().collect::<Vec<_>>();
            let key = key.map(|place| values[place].clone());
            let seen = self
                .connection
                .prepare_cached(&seen_sql(current.number, load.key.len()))?
                .execute(params_from_iter(key));
            if seen? == 0 {
                let what =
                    format!("record {} of {} has the key of an earlier one in the file", current.pushed, load.table);
                return Err(Error::new(Kind::Refused, what));
            }
        }
        let inserted = self.connection.prepare_cached(&self.insert)?.execute(params_from_iter(self.row.values()));
        current.changed += inserted.map_err(|error| refuse(error, current.pushed))? as u64;
        Ok(())
    }

    /// How many references of the prepared tables lead nowhere: from which table, to which one.
    fn dangling(&self) -> Result<Dangling> {
        let mut statement = self.connection.prepare(DANGLING_QUERY)?;
        let mut found = Dangling::new();
        for load in &self.tables {
            for row in statement.query_map([load.table.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))? {
                let (parent, rows) = row?;
                found.insert((load.table.clone(), parent), rows);
            }
        }
        Ok(found)
    }

    /// An error with the references that lead nowhere since the import has begun.
    fn describe_dangling(&self) -> Result<Option<Error>> {
        let new = self.dangling()?.into_iter().filter_map(|((table, parent), rows)| {
            let before = self.dangling_before.get(&(table.clone(), parent.clone())).copied().unwrap_or(0);
            (rows > before).then(|| format!("{table} ({} to {parent})", rows - before))
        });
        let new = new.collect::<Vec<_>>().join(", ");
        let what = format!("references lead to records that are not there: {new}");
        Ok((!new.is_empty()).then(|| Error::new(Kind::Refused, what)))
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
        count(&self.connection, table)
    }

    fn prepare(&mut self, tables: &[TableLoad]) -> Result<()> {
        for (number, load) in tables.iter().enumerate().filter(|(_, load)| load.mode == ImportMode::Merge) {
            let columns: Vec<String> = (0..load.key.len()).map(|place| format!("k{place}")).collect();
            let columns = columns.join(", ");
            self.connection.execute_batch(&format!(
                "CREATE TEMP TABLE waybill_seen_{number} ({columns}, PRIMARY KEY ({columns})) WITHOUT ROWID"
            ))?;
        }
        tables.clone_into(&mut self.tables);
        if tables.iter().any(|load| load.mode != ImportMode::RequireEmpty) {
            self.dangling_before = self.dangling()?;
        }
        Ok(())
    }

    fn begin_table(&mut self, number: usize) -> Result<()> {
        let load = self.tables.get(number).ok_or_else(no_table_begun)?;
        self.insert = insert_sql(load);
        let rows_before = if load.mode == ImportMode::RequireEmpty { 0 } else { count(&self.connection, &load.table)? };
        self.table = Some(CurrentTable { number, rows_before, pushed: 0, changed: 0 });
        Ok(())
    }

    fn end_table(&mut self) -> Result<TableEffect> {
        let CurrentTable { number, rows_before, pushed, changed } = self.table.take().ok_or_else(no_table_begun)?;
        let load = &self.tables[number];
        if load.mode != ImportMode::Merge {
            return Ok(TableEffect { created: pushed, ..TableEffect::default() });
        }
        let created = count(&self.connection, &load.table)?.saturating_sub(rows_before);
        Ok(TableEffect { created, updated: changed.saturating_sub(created), unchanged: pushed.saturating_sub(changed) })
    }

    fn take_failure(&mut self) -> Error {
        self.failure.take().unwrap_or_else(no_table_begun)
    }

    /// A commit checks them all, and needs no second look.
    fn check_references(&mut self) -> Result<()> {
        match self.purpose {
            Purpose::Write => Ok(()),
            Purpose::DryRun => self.describe_dangling()?.map_or(Ok(()), Err),
        }
    }

    fn commit(self: Box<Self>) -> Result<()> {
        if self.purpose == Purpose::DryRun {
            return Ok(());
        }
        match self.connection.execute_batch("COMMIT") {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
                Err(self.describe_dangling()?.unwrap_or_else(|| error.into()))
            }
            committed => committed.map_err(|error| refused(error, str::to_owned)),
        }
    }
}

fn count(connection: &Connection, table: &TableName) -> Result<u64> {
    Ok(connection.query_row(&format!("SELECT count(*) FROM {}", main_table(table)), [], |row| row.get(0))?)
}

/// Adds nothing for a key that the file had before.
fn seen_sql(number: usize, columns: usize) -> String {
    format!("INSERT OR IGNORE INTO temp.waybill_seen_{number} VALUES ({})", vec!["?"; columns].join(", "))
}

/// The statement that takes a row. In a merge, a row that is there already gets the values that differ.
fn insert_sql(load: &TableLoad) -> String {
    let into = main_table(&load.table);
    if load.columns.is_empty() {
        return format!("INSERT INTO {into} DEFAULT VALUES");
    }
    let quoted = |names: Vec<&String>| names.into_iter().map(|name| double_quote_identifier(name)).collect::<Vec<_>>();
    let names = quoted(load.columns.iter().collect()).join(", ");
    let insert = format!("INSERT INTO {into} ({names}) VALUES ({})", vec!["?"; load.columns.len()].join(", "));
    if load.mode != ImportMode::Merge {
        return insert;
    }
    let (key, replaced) = (quoted(load.key.iter().collect()).join(", "), quoted(load.replaced().collect()));
    if replaced.is_empty() {
        return format!("{insert} ON CONFLICT ({key}) DO NOTHING");
    }
    let set: Vec<String> = replaced.iter().map(|name| format!("{name} = excluded.{name}")).collect();
    // IS compares by value: 1 and 1.0 are the same to it, and the kind of value tells them apart.
    let differs = replaced
        .iter()
        .map(|name| format!("{name} IS NOT excluded.{name} OR typeof({name}) <> typeof(excluded.{name})"));
    let differs = differs.collect::<Vec<_>>().join(" OR ");
    format!("{insert} ON CONFLICT ({key}) DO UPDATE SET {} WHERE {differs}", set.join(", "))
}
