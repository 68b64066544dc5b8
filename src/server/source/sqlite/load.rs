//! Fills tables of an `SQLite` file in one transaction, by one prepared statement a table.
//!
//! A dry run does the same in a private copy of the file.

use std::path::Path;
use std::time::Duration;

use rusqlite::backup::Backup;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, params_from_iter};

use super::super::target::{CarriedOn, Load, Purpose, TableLoad, Target, TargetRules, Trigger, UndoRequest};
use super::super::{Error, InterruptHandle, Kind, Result, double_quote_identifier};
use super::row_buffer::RowBuffer;
use super::{SqliteSource, catalog, changes, error, key_sets::main_table};
use crate::model::import::{ImportMode, TableEffect};
use crate::model::import_undo::{KeptImport, UndoReport};
use crate::model::name::TableName;
use crate::server::rows::{Catalog, RowSink, Stopped, Value};

/// More pages in memory than by default: inserting into several indexes touches many.
const CACHE_KIB: u32 = 64 << 10;

/// A reference that leads nowhere, of `pragma_foreign_key_check`. Rows of a table without row ids are not told apart: there, the
/// commit's own count decides.
const DANGLING_COLUMNS: &str = "\"table\" AS tab, rowid AS row, parent, fkid";

/// References that the file carries changes on to, with the column that they lead to. Without one, that is a primary key, which is
/// never changed.
const CARRIED_ON_QUERY: &str = "
    SELECT m.name, c.name FROM pragma_table_list m, pragma_foreign_key_list(m.name, 'main') k
      JOIN pragma_table_xinfo(?1, 'main') c ON c.name = k.\"to\" COLLATE NOCASE
     WHERE m.schema = 'main' AND m.type = 'table' AND k.\"table\" = ?1 COLLATE NOCASE
       AND k.on_update IN ('CASCADE', 'SET NULL', 'SET DEFAULT') ORDER BY m.name, k.id, k.seq";

/// The expression of a computed column is known by the statement only that has created its table.
const DEFAULTS_QUERY: &str = "
    SELECT c.name, coalesce(c.dflt_value, s.sql) FROM pragma_table_xinfo(?1, 'main') c
      JOIN main.sqlite_schema s ON s.type = 'table' AND s.name = ?1 COLLATE NOCASE
     WHERE c.dflt_value IS NOT NULL OR c.hidden >= 2";

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
    fn begin_load(&self, purpose: Purpose, on_handle: &dyn Fn(InterruptHandle)) -> Result<Box<dyn Load>> {
        let file = std::fs::metadata(self.0.path()).map_err(|error| error::no_metadata(&error))?;
        if file.is_dir() {
            return Err(error::cannot_open("it is a directory"));
        }
        let connection = match purpose {
            Purpose::Write => open(self.0.path(), OpenFlags::SQLITE_OPEN_READ_WRITE)?,
            Purpose::DryRun => copy_privately(self.0.path())?,
        };
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
            row: RowBuffer::default(),
            table: None,
            failure: None,
        }))
    }

    fn check(&self) -> Result<()> {
        open(self.0.path(), OpenFlags::SQLITE_OPEN_READ_WRITE).map(drop)
    }

    fn blocks_readers(&self) -> bool {
        true
    }

    fn can_undo(&self) -> bool {
        false
    }

    fn list_kept_imports(&self) -> Result<Vec<KeptImport>> {
        Err(cannot_undo())
    }

    fn undo(&self, _: &UndoRequest) -> Result<UndoReport> {
        Err(cannot_undo())
    }
}

fn cannot_undo() -> Error {
    Error::new(
        Kind::Unsuitable,
        "imports into an SQLite file cannot be undone: keep a copy of the file before an import",
    )
}

struct SqliteLoad {
    connection: Connection,
    purpose: Purpose,
    tables: Vec<TableLoad>,
    /// The statement for the current table.
    insert: String,
    row: RowBuffer,
    table: Option<CurrentTable>,
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

impl SqliteLoad {
    fn insert_row(&mut self) -> Result<()> {
        let Some(current) = &mut self.table else { return Err(no_table_begun()) };
        let load = &self.tables[current.number];
        current.pushed += 1;
        let refuse = |error, pushed| {
            refused(error, |message| format!("record {pushed} of {} is refused by the database: {message}", load.table))
        };
        let existed = load.is_recorded && changes::keep_before(&self.connection, current.number, load, &self.row)?;
        let inserted = self.connection.prepare_cached(&self.insert)?.execute(params_from_iter(self.row.values()));
        let inserted = inserted.map_err(|error| refuse(error, current.pushed))?;
        current.changed += inserted as u64;
        if load.mode != ImportMode::Merge {
            return if inserted == 1 { Ok(()) } else { Err(dropped(load, current.pushed)) };
        }
        if changes::keep_key(&self.connection, current.number, load, &self.row, !existed)? {
            return Ok(());
        }
        let what =
            format!("record {} of {} has the key of an earlier one in the file, or none", current.pushed, load.table);
        Err(Error::new(Kind::Refused, what))
    }

    /// Keeps in a temporary table which references lead nowhere now: what is not checked at all may dangle for years.
    fn keep_dangling(&self) -> Result<()> {
        let known = self.tables.iter().filter(|load| load.mode != ImportMode::RequireEmpty).map(|load| {
            let table = load.table.as_str().replace('\'', "''");
            format!("INSERT INTO waybill_dangling SELECT {DANGLING_COLUMNS} FROM pragma_foreign_key_check('{table}')")
        });
        let create = format!(
            "CREATE TEMP TABLE waybill_dangling AS SELECT {DANGLING_COLUMNS} FROM pragma_foreign_key_check WHERE 0"
        );
        let create = std::iter::once(create).chain(known).collect::<Vec<_>>().join(";");
        Ok(self.connection.execute_batch(&create)?)
    }

    /// What leads nowhere and did not before, one sentence.
    fn describe_dangling(&self) -> Result<Option<String>> {
        let mut new = Vec::new();
        let sql = format!(
            "SELECT parent, count(*) FROM (SELECT {DANGLING_COLUMNS} FROM pragma_foreign_key_check(?1)
             EXCEPT SELECT tab, row, parent, fkid FROM waybill_dangling) GROUP BY parent ORDER BY parent"
        );
        let mut statement = self.connection.prepare(&sql)?;
        for load in &self.tables {
            let found = statement
                .query_map([load.table.as_str()], |row| Ok((row.get::<_, String>(0)?, row.get::<_, u64>(1)?)))?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            new.extend(found.iter().map(|(parent, rows)| format!("{} ({rows} to {parent})", load.table)));
        }
        Ok((!new.is_empty()).then(|| format!("references lead to records that are not there: {}", new.join(", "))))
    }
}

/// Whether rows are compared with those that are there: a table without a key has no rows in a merge.
fn is_merged(load: &TableLoad) -> bool {
    load.mode == ImportMode::Merge && !load.key.is_empty()
}

/// A trigger or a conflict clause of the table dropped the row without a word.
fn dropped(load: &TableLoad, row: u64) -> Error {
    Error::new(Kind::Refused, format!("record {row} of {} is dropped by a trigger of the database", load.table))
}

fn open(path: &Path, flags: OpenFlags) -> Result<Connection> {
    Ok(Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?)
}

/// The connection to a temporary database of `SQLite` itself with the content of the file: it is on disk where it is large, has no
/// name, and is gone with the connection, also if the program is killed.
fn copy_privately(path: &Path) -> Result<Connection> {
    let source = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    source.busy_timeout(Duration::from_secs(5))?;
    let mut copy = open(Path::new(""), OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    Backup::new(&source, &mut copy)?.run_to_completion(4096, Duration::ZERO, None)?;
    Ok(copy)
}

fn no_table_begun() -> Error {
    Error::new(Kind::Failed, "internal error: a row without a table; please report it")
}

/// What the file's own rules refuse. The message names tables, columns and constraints, and no value.
fn refused(error: rusqlite::Error, describe: impl FnOnce(&str) -> String) -> Error {
    match error {
        // A trigger's own words may hold values.
        rusqlite::Error::SqliteFailure(cause, _) if cause.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_TRIGGER => {
            Error::new(Kind::Refused, describe("a trigger of the database refuses it"))
        }
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

    fn rules(&mut self, tables: &[TableName], _: ImportMode) -> Result<TargetRules> {
        let mut rules = TargetRules::default();
        let mut defaults = self.connection.prepare(DEFAULTS_QUERY)?;
        let mut triggers = self.connection.prepare(
            "SELECT name, sql FROM main.sqlite_schema WHERE type = 'trigger' AND tbl_name = ?1 COLLATE NOCASE ORDER BY name",
        )?;
        let pair = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?));
        for table in tables {
            for column in defaults.query_map([table.as_str()], pair)? {
                let (name, definition) = column?;
                rules.defaults.insert(table.field(name), definition);
            }
            for trigger in triggers.query_map([table.as_str()], pair)? {
                let (name, definition) = trigger?;
                rules.triggers.push(Trigger { name: format!("{name} on {table}"), definition });
            }
        }
        let mut carried_on = self.connection.prepare(CARRIED_ON_QUERY)?;
        for table in tables {
            for reference in carried_on.query_map([table.as_str()], pair)? {
                let (referring, column) = reference?;
                rules.carried_on.push(CarriedOn { table: table.clone(), columns: vec![column], referring });
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

    fn prepare(&mut self, tables: &[TableLoad], _: Option<&KeptImport>) -> Result<()> {
        for (number, load) in tables.iter().enumerate().filter(|(_, load)| is_merged(load)) {
            changes::create(&self.connection, number, load)?;
        }
        tables.clone_into(&mut self.tables);
        self.keep_dangling()
    }

    fn begin_table(&mut self, number: usize) -> Result<()> {
        let load = self.tables.get(number).ok_or_else(no_table_begun)?;
        self.insert = insert_sql(load);
        let rows_before = if load.mode == ImportMode::RequireEmpty { 0 } else { count(&self.connection, &load.table)? };
        self.table = Some(CurrentTable { number, rows_before, pushed: 0, changed: 0 });
        Ok(())
    }

    fn end_table(&mut self, changes: Option<&mut dyn RowSink>) -> Result<TableEffect> {
        let CurrentTable { number, rows_before, pushed, changed } = self.table.take().ok_or_else(no_table_begun)?;
        let load = &self.tables[number];
        if load.mode != ImportMode::Merge {
            return Ok(TableEffect { created: pushed, ..TableEffect::default() });
        }
        if let Some(sink) = changes.filter(|_| is_merged(load)) {
            changes::push(&self.connection, number, load, sink)?;
        }
        let created = count(&self.connection, &load.table)?.saturating_sub(rows_before);
        Ok(TableEffect { created, updated: changed.saturating_sub(created), unchanged: pushed.saturating_sub(changed) })
    }

    fn take_failure(&mut self) -> Error {
        self.failure.take().unwrap_or_else(no_table_begun)
    }

    /// What SQLite itself counts until the commit is not enough: an old reference that leads somewhere now makes up for a new one
    /// that does not.
    fn check_references(&mut self) -> Result<()> {
        self.describe_dangling()?.map_or(Ok(()), |what| Err(Error::new(Kind::Refused, what)))
    }

    fn commit(self: Box<Self>) -> Result<()> {
        if self.purpose == Purpose::DryRun {
            return Ok(());
        }
        self.connection.execute_batch("COMMIT").map_err(|error| refused(error, str::to_owned))
    }
}

fn count(connection: &Connection, table: &TableName) -> Result<u64> {
    Ok(connection.query_row(&format!("SELECT count(*) FROM {}", main_table(table)), [], |row| row.get(0))?)
}

/// The statement that takes a row. In a merge, a row that is there already gets the values that differ.
fn insert_sql(load: &TableLoad) -> String {
    let into = main_table(&load.table);
    if load.columns.is_empty() {
        return format!("INSERT OR ABORT INTO {into} DEFAULT VALUES");
    }
    let quoted = |names: Vec<&String>| names.into_iter().map(|name| double_quote_identifier(name)).collect::<Vec<_>>();
    let names = quoted(load.columns.iter().collect()).join(", ");
    // The table's own conflict clauses would replace or drop rows without a word.
    let insert = format!("INSERT OR ABORT INTO {into} ({names}) VALUES ({})", vec!["?"; load.columns.len()].join(", "));
    if load.mode != ImportMode::Merge {
        return insert;
    }
    let (key, replaced) = (quoted(load.key.iter().collect()).join(", "), quoted(load.replaced().collect()));
    if replaced.is_empty() {
        return format!("{insert} ON CONFLICT ({key}) DO NOTHING");
    }
    let set: Vec<String> = replaced.iter().map(|name| format!("{name} = excluded.{name}")).collect();
    let differs = replaced.iter().map(|name| changes::differ(name, &format!("excluded.{name}")));
    let differs = differs.collect::<Vec<_>>().join(" OR ");
    format!("{insert} ON CONFLICT ({key}) DO UPDATE SET {} WHERE {differs}", set.join(", "))
}
