//! Fills tables of an `SQLite` file in one transaction, by one prepared statement a table.
//!
//! A dry run does the same in a private copy of the file.

use std::path::PathBuf;

use rusqlite::{Connection, OpenFlags};

use super::super::super::lookups::{Lookups, RowLookup};
use super::super::super::new_table::NewTable;
use super::super::super::target::{Load, Purpose, Removal, TableLoad, TargetRules};
use super::super::super::unmatched;
use super::super::super::{Error, InterruptHandle, Kind, Result, Source, SourceIdentity};
use super::super::error::refused;
use super::super::key_sets::{KeySets, main_table};
use super::super::{SqliteSource, catalog};
use super::conflicts::{self, Existing, find_existing};
use super::insert_sql::insert_sql;
use super::kept_rows::KeptRows;
use super::row_buffer::RowBuffer;
use super::undo_file::UndoFolder;
use super::writing::{self, ForeignKeys};
use super::{changes, create_tables, dangling, natural_keys, outside, removal, row_lookup, rules, undo};
use crate::model::import::{TableEffect, TableMode};
use crate::model::import_undo::KeptImport;
use crate::model::name::TableName;
use crate::server::rows::{Catalog, PieceSink, RowSink, Stopped, Value};

pub struct SqliteLoad {
    pub(super) connection: Connection,
    purpose: Purpose,
    path: PathBuf,
    /// Of the file.
    identity: SourceIdentity,
    undo_folder: UndoFolder,
    pub(super) key_sets: KeySets,
    tables: Vec<TableLoad>,
    /// How many rows of each table were found by a natural key so far.
    matched: Vec<u64>,
    /// What is needed to undo the import.
    kept: Option<KeptRows>,
    /// Earlier imports that are forgotten once this one is committed.
    dead: Vec<String>,
    /// The statement for the current table.
    insert: String,
    row: RowBuffer,
    table: Option<CurrentTable>,
    /// The table of which keys are taken.
    keys_of: Option<usize>,
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
    /// What is counted besides.
    effect: TableEffect,
}

impl SqliteLoad {
    /// Begins the transaction.
    pub fn begin(
        source: &SqliteSource,
        purpose: Purpose,
        undo_folder: UndoFolder,
        on_handle: &dyn Fn(InterruptHandle),
    ) -> Result<Self> {
        Ok(Self {
            connection: writing::begin(source.path(), purpose, ForeignKeys::Enforced, on_handle)?,
            purpose,
            path: source.path().to_owned(),
            identity: source.identity()?,
            undo_folder,
            key_sets: KeySets::default(),
            tables: Vec::new(),
            matched: Vec::new(),
            kept: None,
            dead: Vec::new(),
            insert: String::new(),
            row: RowBuffer::default(),
            table: None,
            keys_of: None,
            failure: None,
        })
    }

    fn insert_row(&mut self) -> Result<()> {
        let Some(current) = &mut self.table else { return Err(no_table_begun()) };
        let load = &self.tables[current.number];
        current.pushed += 1;
        let refuse = |error, pushed| {
            refused(error, |message| format!("record {pushed} of {} is refused by the database: {message}", load.table))
        };
        let (connection, number) = (&self.connection, current.number);
        let is_matched =
            is_merged(load) && natural_keys::apply(connection, number, &self.tables, &self.matched, &mut self.row)?;
        self.matched[number] += u64::from(is_matched);
        if load.merge.must_share_natural_key
            && !is_matched
            && conflicts::shares_no_natural_key(connection, load, &self.row)?
        {
            return Err(unmatched::no_shared_natural_key(load, "a record"));
        }
        if is_merged(load) {
            outside::keep_references(connection, &self.tables, load, &mut self.row)?;
        }
        if row_lookup::is_of_other_owner(connection, load, &self.row)? {
            return Err(unmatched::of_other_owner(load));
        }
        let keeps_before = load.is_recorded || self.kept.is_some();
        let is_of_part = load.removal.as_ref().is_some_and(Removal::is_of_part);
        let mut existing =
            if is_merged(load) { find_existing(connection, load, &self.row, is_matched)? } else { Existing::None };
        let existed = existing != Existing::None;
        if is_of_part
            && matches!(existing, Existing::Differs(_))
            && outside::is_outside(connection, &self.key_sets, load, &self.row)?
        {
            current.effect.outside += 1;
            existing = Existing::Same;
        }
        if let Existing::Differs(reason) = existing {
            let updated = current.effect.updated;
            current.effect.count_difference(Some(reason), 1, load.merge.keeps_conflicts);
            if current.effect.updated == updated {
                existing = Existing::Same;
            } else if keeps_before {
                changes::keep_before(connection, number, load, &self.row, reason)?;
            }
        }
        // What is the same, or stays as it is, need not be tried.
        let inserted = if existing == Existing::Same {
            0
        } else {
            let mut insert = self.connection.prepare_cached(&self.insert)?;
            for (place, value) in (1..).zip(self.row.values()) {
                insert.raw_bind_parameter(place, value)?;
            }
            if load.mode == TableMode::RequireEmpty {
                // The statement has a copy, and nobody asks for the row again: one of 100 MB is held twice by SQLite alone.
                self.row.clear();
            }
            insert.raw_execute().map_err(|error| refuse(error, current.pushed))?
        };
        current.changed += inserted as u64;
        if load.mode != TableMode::Merge {
            if inserted != 1 {
                return Err(dropped(load, current.pushed));
            }
            return self
                .kept
                .as_ref()
                .map_or(Ok(()), |kept| kept.keep_appended(&self.connection, current.number, load, &self.row));
        }
        if changes::keep_key(&self.connection, current.number, load, &self.row, !existed)? {
            return Ok(());
        }
        if self.matched[number] > 0 {
            return Err(unmatched::taken_by_match(load, current.pushed));
        }
        let what =
            format!("record {} of {} has the key of an earlier one in the file, or none", current.pushed, load.table);
        Err(Error::new(Kind::Refused, what))
    }
}

/// Whether rows are compared with those that are there: a table without a key has no rows in a merge.
fn is_merged(load: &TableLoad) -> bool {
    load.mode == TableMode::Merge && !load.key.is_empty()
}

/// A trigger or a conflict clause of the table dropped the row without a word.
fn dropped(load: &TableLoad, row: u64) -> Error {
    Error::new(Kind::Refused, format!("record {row} of {} is dropped by a trigger of the database", load.table))
}

fn no_table_begun() -> Error {
    Error::new(Kind::Failed, "internal error: a row without a table; please report it")
}

impl RowSink for SqliteLoad {
    fn push_value(&mut self, value: Value<'_>) -> std::result::Result<(), Stopped> {
        self.row.push(value);
        Ok(())
    }

    fn end_row(&mut self) -> std::result::Result<(), Stopped> {
        let inserted = match self.keys_of {
            Some(number) => removal::keep_key(&self.connection, number, &self.tables[number], &self.row),
            None => self.insert_row(),
        };
        self.row.clear();
        inserted.map_err(|error| {
            self.failure = Some(error);
            Stopped
        })
    }
}

impl PieceSink for SqliteLoad {
    fn push_text_piece(&mut self, piece: &[u8]) -> std::result::Result<(), Stopped> {
        self.row.push_piece(piece);
        Ok(())
    }
}

impl Lookups for SqliteLoad {
    fn catalog(&mut self) -> Result<Catalog> {
        catalog::read(&self.connection)
    }

    fn find_rows(
        &mut self,
        lookup: &RowLookup,
        values: &[String],
        found: &mut dyn FnMut(usize, Vec<Option<String>>),
    ) -> Result<()> {
        row_lookup::find_rows(&self.connection, lookup, values, found)
    }
}

impl Load for SqliteLoad {
    fn create_tables(&mut self, tables: &[NewTable]) -> Result<()> {
        create_tables::create_tables(&self.connection, tables)
    }

    fn rules(&mut self, tables: &[TableName], _: TableMode) -> Result<TargetRules> {
        rules::read(&self.connection, tables)
    }

    /// The transaction has held the file's only write lock from the beginning.
    fn lock(&mut self, _: &[TableName]) -> Result<()> {
        Ok(())
    }

    fn count(&mut self, table: &TableName) -> Result<u64> {
        count(&self.connection, table)
    }

    fn prepare(&mut self, tables: &[TableLoad], kept: Option<&KeptImport>) -> Result<()> {
        for (number, load) in tables.iter().enumerate().filter(|(_, load)| is_merged(load)) {
            changes::create_seen(&self.connection, number, load.key.len())?;
            if load.is_recorded || kept.is_some() {
                changes::create_before(&self.connection, number, load)?;
            }
            natural_keys::prepare(&self.connection, number, load)?;
            if load.removal.is_some() {
                removal::prepare(&self.connection, number, load)?;
            }
        }
        let keep = |import| KeptRows::begin(&self.connection, &self.undo_folder, import, &self.identity, tables);
        self.kept = kept.map(keep).transpose()?;
        if self.kept.is_some() {
            self.dead = undo::find_dead(&self.connection, &self.undo_folder, &self.identity)?;
        }
        let names = tables.iter().map(|load| &load.table);
        if self.kept.is_some() || tables.iter().any(|load| load.removal.is_some()) {
            let referring = dangling::referring_tables(&self.connection, names)?;
            dangling::keep(&self.connection, &referring.iter().collect::<Vec<_>>())?;
        } else {
            dangling::keep(&self.connection, &names.collect::<Vec<_>>())?;
        }
        // Nothing is removed along references, and rows that are only added carry nothing along: `check_references` is enough.
        let removes = tables.iter().any(|load| load.removal.is_some());
        let only_adds =
            tables.iter().all(|load| load.mode != TableMode::Merge) && !rules::has_triggers(&self.connection)?;
        if removes || only_adds {
            writing::ignore_foreign_keys(&self.connection)?;
        }
        tables.clone_into(&mut self.tables);
        self.matched = vec![0; tables.len()];
        Ok(())
    }

    fn begin_keys(&mut self, number: usize) -> Result<()> {
        self.tables.get(number).ok_or_else(no_table_begun)?;
        self.keys_of = Some(number);
        Ok(())
    }

    fn end_keys(&mut self) -> Result<()> {
        self.keys_of = None;
        Ok(())
    }

    fn remove_others(&mut self) -> Result<()> {
        let connection = &self.connection;
        for (number, load) in self.tables.iter().enumerate().rev().filter(|(_, load)| load.removal.is_some()) {
            removal::find(connection, &self.key_sets, number, load)?;
            if let Some(kept) = &self.kept {
                kept.keep_removed(connection, number)?;
            }
            removal::remove(connection, number, load)?;
        }
        Ok(())
    }

    fn begin_table(&mut self, number: usize) -> Result<()> {
        let load = self.tables.get(number).ok_or_else(no_table_begun)?;
        self.insert = insert_sql(load);
        let rows_before = if load.mode == TableMode::RequireEmpty { 0 } else { count(&self.connection, &load.table)? };
        if is_merged(load) {
            natural_keys::begin(&self.connection, number, load)?;
        }
        self.table = Some(CurrentTable { number, rows_before, pushed: 0, changed: 0, effect: TableEffect::default() });
        Ok(())
    }

    fn end_table(&mut self, changes: Option<&mut dyn RowSink>) -> Result<TableEffect> {
        let CurrentTable { number, rows_before, pushed, changed, effect } =
            self.table.take().ok_or_else(no_table_begun)?;
        let load = &self.tables[number];
        if load.mode != TableMode::Merge {
            return Ok(TableEffect { created: pushed, ..TableEffect::default() });
        }
        let matched = self.matched[number];
        if matched > 0 {
            natural_keys::check_not_referring(&self.connection, number, &self.tables)?;
        }
        let removed = removal::count(&self.connection, number, load)?;
        if let Some(sink) = changes.filter(|_| is_merged(load)) {
            removal::push(&self.connection, number, load, sink)?;
            changes::push(&self.connection, number, load, sink)?;
        }
        let created = count(&self.connection, &load.table)?.saturating_sub(rows_before);
        let (updated, unchanged) = (changed.saturating_sub(created), pushed.saturating_sub(changed));
        Ok(TableEffect { created, updated, unchanged, removed, matched, ..effect })
    }

    fn push_matches(&mut self, number: usize, matches: &mut dyn RowSink) -> Result<()> {
        let load = self.tables.get(number).ok_or_else(no_table_begun)?;
        natural_keys::push(&self.connection, number, load, matches)
    }

    fn take_failure(&mut self) -> Error {
        self.failure.take().unwrap_or_else(no_table_begun)
    }

    /// What SQLite itself counts until the commit is not enough: an old reference that leads somewhere now makes up for a new one
    /// that does not.
    fn check_references(&mut self) -> Result<()> {
        let tables: Vec<TableName> = self.tables.iter().map(|load| load.table.clone()).collect();
        let tables = if self.tables.iter().any(|load| load.removal.is_some()) {
            dangling::referring_tables(&self.connection, tables.iter())?
        } else {
            tables
        };
        let new = dangling::find_new(&self.connection, &tables.iter().collect::<Vec<_>>())?;
        if new.is_empty() {
            return Ok(());
        }
        let what = format!("references lead to records that are not there: {}", new.join(", "));
        Err(Error::new(Kind::Refused, what))
    }

    fn has_written(&self) -> bool {
        true
    }

    fn commit(self: Box<Self>) -> Result<()> {
        if self.purpose == Purpose::DryRun {
            return Ok(());
        }
        let Self { connection, tables, kept, dead, undo_folder, path, identity, .. } = *self;
        let kept = kept.map(|kept| kept.finish(&connection, &tables)).transpose()?;
        let committed = connection.execute_batch("COMMIT").map_err(|error| refused(error, str::to_owned));
        drop(connection);
        if committed.is_ok() {
            for import in &dead {
                undo_folder.forget(import);
            }
        } else if let Some(import) = kept {
            // Whether a commit that fails has happened, the rows themselves tell.
            let read = writing::open(&path, OpenFlags::SQLITE_OPEN_READ_ONLY);
            if read.is_ok_and(|read| undo::has_effect(&read, &undo_folder, &identity, &import).is_ok_and(|has| !has)) {
                undo_folder.forget(&import);
            }
        }
        committed
    }
}

fn count(connection: &Connection, table: &TableName) -> Result<u64> {
    Ok(connection.query_row(&format!("SELECT count(*) FROM {}", main_table(table)), [], |row| row.get(0))?)
}
