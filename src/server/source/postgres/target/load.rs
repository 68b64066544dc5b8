//! Fills tables in one transaction, by one `COPY` a table.
//!
//! A merge copies the records into a temporary table first (`staging`), and so does a dry run, which then cannot write: the server
//! itself refuses it.

use super::super::super::lookups::{Lookups, RowLookup};
use super::super::super::new_table::NewTable;
use super::super::super::target::{Load, Purpose, TableLoad, TargetRules};
use super::super::super::{Error, Kind, Result, double_quote_identifier};
use super::super::catalog::{self, Schema};
use super::super::database_session::DatabaseSession;
use super::super::error;
use super::super::key_sets::{KeySets, refuse_foreign_event_triggers};
use super::super::search_paths::{APPLICATION_PATH, OWN_PATH};
use super::checked_rows::WrittenRows;
use super::current_table::CurrentTable;
use super::kept_import::UndoSchema;
use super::prepared_table::{PreparedTable, ended};
use super::reference_checks::ReferenceChecks;
use super::row_counts::{check_added, check_taken};
use super::{create_tables, dry_run, lock, natural_keys, outside, removal, row_lookup, rules, sequences};
use crate::model::import::{TableEffect, TableMode};
use crate::model::import_undo::KeptImport;
use crate::model::name::TableName;
use crate::server::rows::{Catalog, PieceSink, RowSink, Stopped, Value};
use crate::server::support::copy_text::CopyText;

/// How much is collected before it is sent.
const CHUNK_BYTES: usize = 256 << 10;

pub struct PostgresLoad {
    pub(super) session: DatabaseSession,
    pub(super) schema: Schema,
    /// What the replacement of a part is about.
    pub(super) key_sets: KeySets,
    purpose: Purpose,
    removes: bool,
    reference_checks: ReferenceChecks,
    pub(super) tables: Vec<PreparedTable>,
    /// Where what an undo needs is kept.
    kept: Option<UndoSchema>,
    /// Rows of the current table that were not sent yet.
    rows: CopyText,
    table: Option<CurrentTable>,
    failure: Option<Error>,
}

impl PostgresLoad {
    pub fn new(session: DatabaseSession, schema: Schema, (purpose, removes): (Purpose, bool)) -> Self {
        Self {
            session,
            schema,
            key_sets: KeySets::default(),
            purpose,
            removes,
            reference_checks: ReferenceChecks::default(),
            tables: Vec::new(),
            kept: None,
            rows: CopyText::default(),
            table: None,
            failure: None,
        }
    }

    /// The table's name in a statement.
    fn table_sql(&self, table: &TableName) -> Result<&str> {
        let from_item = self.schema.relation(table)?.from_item.as_str();
        Ok(from_item.strip_prefix("ONLY ").unwrap_or(from_item))
    }

    /// Begins rows of these columns of a table, which are copied into it or into a temporary one.
    fn begin_rows(&mut self, number: usize, table: &TableName, columns: &[&String], into: &str) -> Result<()> {
        let relation = self.schema.relation(table)?;
        let is_bytes = |name: &&String| {
            let column = relation.columns.get(*name).ok_or_else(|| Error::no_column(&table.field(name.as_str())))?;
            Ok(column.base_type == "bytea")
        };
        let takes_bytes = columns.iter().map(is_bytes).collect::<Result<Vec<bool>>>()?;
        self.table = Some(CurrentTable::new(number, table.clone(), takes_bytes));
        if columns.is_empty() {
            return Ok(());
        }
        let names: Vec<String> = columns.iter().map(|column| double_quote_identifier(column)).collect();
        let sql = format!("COPY {into} ({}) FROM STDIN (ENCODING 'UTF8')", names.join(", "));
        self.session.start_copy(&sql).map_err(|error| error::refused_row(table, error))
    }

    fn write_value(&mut self, value: Value<'_>) -> Result<()> {
        let Self { table, rows, session, .. } = self;
        let table = table.as_mut().ok_or_else(no_table_begun)?;
        table.write_value(value, rows, &mut |rows| send_chunk(session, rows, CHUNK_BYTES))
    }

    fn write_text_piece(&mut self, piece: &[u8]) -> Result<()> {
        let Self { table, rows, session, .. } = self;
        let table = table.as_mut().ok_or_else(no_table_begun)?;
        table.write_text_piece(piece, rows, &mut |rows| send_chunk(session, rows, CHUNK_BYTES))
    }

    fn send_full_chunk(&mut self, limit: usize) -> Result<()> {
        send_chunk(&mut self.session, &mut self.rows, limit)
    }

    /// `COPY` cannot name no column.
    fn insert_defaults(&mut self, table: &CurrentTable) -> Result<u64> {
        self.rows.clear();
        if self.purpose == Purpose::DryRun {
            return Ok(table.rows);
        }
        let sql = format!("INSERT INTO {} DEFAULT VALUES", self.table_sql(&table.name)?);
        (0..table.rows).map(|_| self.session.change(&sql, &[])).sum()
    }
}

/// Sends what was collected, if that is so much.
fn send_chunk(session: &mut DatabaseSession, rows: &mut CopyText, limit: usize) -> Result<()> {
    if rows.as_bytes().len() >= limit {
        session.send_copy_data(rows.as_bytes())?;
        rows.clear();
    }
    Ok(())
}

fn no_table_begun() -> Error {
    Error::new(Kind::Failed, "internal error: a row without a table; please report it")
}

impl RowSink for PostgresLoad {
    fn push_value(&mut self, value: Value<'_>) -> std::result::Result<(), Stopped> {
        self.write_value(value).map_err(|error| {
            self.failure = Some(error);
            Stopped
        })
    }

    fn end_row(&mut self) -> std::result::Result<(), Stopped> {
        self.rows.end_row();
        if let Some(table) = &mut self.table {
            table.end_row();
        }
        if self.table.as_ref().is_some_and(|table| table.takes_bytes.is_empty()) {
            return Ok(());
        }
        self.send_full_chunk(CHUNK_BYTES).map_err(|error| {
            self.failure = Some(error);
            Stopped
        })
    }
}

impl PieceSink for PostgresLoad {
    fn push_text_piece(&mut self, piece: &[u8]) -> std::result::Result<(), Stopped> {
        self.write_text_piece(piece).map_err(|error| {
            self.failure = Some(error);
            Stopped
        })
    }
}

impl Lookups for PostgresLoad {
    fn catalog(&mut self) -> Result<Catalog> {
        Ok(self.schema.catalog.clone())
    }

    fn find_rows(
        &mut self,
        lookup: &RowLookup,
        values: &[String],
        found: &mut dyn FnMut(usize, Vec<Option<String>>),
    ) -> Result<()> {
        row_lookup::find_rows(&mut self.session, self.schema.relation(&lookup.table)?, lookup, values, found)
    }
}

impl Load for PostgresLoad {
    fn create_tables(&mut self, tables: &[NewTable]) -> Result<()> {
        refuse_foreign_event_triggers(&mut self.session)?;
        create_tables::create_tables(&mut self.session, tables)?;
        self.schema = catalog::read(&mut self.session)?;
        Ok(())
    }

    fn rules(&mut self, tables: &[TableName], mode: TableMode) -> Result<TargetRules> {
        let mut rules = rules::read(&mut self.session, &self.schema, tables, (mode, self.removes))?;
        if mode == TableMode::RequireEmpty {
            self.reference_checks = ReferenceChecks::find(&mut self.session, &self.schema, tables, &mut rules)?;
        }
        Ok(rules)
    }

    fn lock(&mut self, tables: &[TableName]) -> Result<()> {
        if self.purpose == Purpose::DryRun {
            return Ok(());
        }
        self.schema = lock::lock_tables(&mut self.session, &self.schema, tables)?;
        Ok(())
    }

    fn count(&mut self, table: &TableName) -> Result<u64> {
        let sql = format!("SELECT pg_catalog.count(*) AS records FROM {}", self.schema.relation(table)?.from_item);
        self.session.fetch_count(&sql, &[])
    }

    fn prepare(&mut self, tables: &[TableLoad], kept: Option<&KeptImport>) -> Result<()> {
        refuse_foreign_event_triggers(&mut self.session)?;
        self.kept = kept.map(|kept| UndoSchema::create(&mut self.session, kept)).transpose()?;
        for (number, load) in tables.iter().enumerate() {
            let into = self.table_sql(&load.table)?.to_owned();
            let relation = self.schema.relation(&load.table)?;
            let prepared = PreparedTable::create(
                &mut self.session,
                number,
                load,
                (relation, &into),
                (self.purpose, self.kept.as_ref()),
            );
            self.tables.push(prepared?);
        }
        if self.purpose == Purpose::Write {
            self.reference_checks.begin(&mut self.session)?;
        }
        self.session.execute(APPLICATION_PATH)?;
        if self.purpose == Purpose::DryRun { self.session.forbid_writes() } else { Ok(()) }
    }

    fn begin_keys(&mut self, number: usize) -> Result<()> {
        let load = self.tables.get(number).ok_or_else(no_table_begun)?.load.clone();
        self.begin_rows(number, &load.table, &removal::pushed_key(&load).collect::<Vec<_>>(), &removal::keys(number))
    }

    fn end_keys(&mut self) -> Result<()> {
        let table = self.table.take().ok_or_else(no_table_begun)?;
        let taken = self.send_full_chunk(1).and_then(|()| self.session.finish_copy());
        check_taken(&table.name, table.rows, taken.map_err(|error| error::refused_row(&table.name, error))?)
    }

    fn remove_others(&mut self) -> Result<()> {
        let tables = self.tables.iter().enumerate().filter(|(_, table)| table.load.removal.is_some());
        let tables: Vec<removal::Removed<'_>> = tables.map(|(number, table)| (number, &table.load)).collect();
        let known = (&self.schema, &self.key_sets);
        removal::remove_others(&mut self.session, known, &tables, (self.purpose, self.kept.as_ref()))
    }

    fn begin_table(&mut self, number: usize) -> Result<()> {
        let PreparedTable { load, staged, .. } = self.tables.get(number).ok_or_else(no_table_begun)?;
        let into = staged.as_ref().map_or_else(|| self.table_sql(&load.table), |staged| Ok(staged.name()))?.to_owned();
        let load = load.clone();
        self.begin_rows(number, &load.table, &load.columns.iter().collect::<Vec<_>>(), &into)
    }

    fn end_table(&mut self, changes: Option<&mut dyn RowSink>) -> Result<TableEffect> {
        let table = self.table.take().ok_or_else(no_table_begun)?;
        let taken = if table.takes_bytes.is_empty() {
            self.insert_defaults(&table)
        } else {
            self.send_full_chunk(1).and_then(|()| self.session.finish_copy())
        };
        let taken = taken.map_err(|error| error::refused_row(&table.name, error))?;
        check_taken(&table.name, table.rows, taken)?;
        if table.rows == 0 && self.tables[table.number].load.removal.is_some() {
            let load = &self.tables[table.number].load;
            let of = (table.number, load, self.schema.relation(&load.table)?);
            return removal::end_emptied(&mut self.session, of, self.kept.as_ref(), changes);
        }
        let created = TableEffect { created: table.rows, ..TableEffect::default() };
        let PreparedTable { load, staged, changed: to_write, checked: to_check, .. } = &self.tables[table.number];
        let is_early = !load.late.is_empty() && self.purpose == Purpose::Write;
        if let Some(staged) = staged.as_ref().filter(|_| is_early) {
            let into = self.table_sql(&load.table)?.to_owned();
            let written = staged.insert_early(&mut self.session, load, &into);
            check_taken(&table.name, table.rows, written.map_err(|error| error::refused_row(&table.name, error))?)?;
        }
        let Some(staged) = staged.as_ref().filter(|_| !is_early && !load.columns.is_empty() && table.rows > 0) else {
            // What a trigger does to a table of which a merge has no records is not the import's.
            if let Some(kept) = self.kept.as_ref().filter(|_| load.mode != TableMode::Merge) {
                self.session.execute(OWN_PATH)?;
                let relation = self.schema.relation(&load.table)?;
                kept.keep_table(&mut self.session, table.number, load, relation, (table.rows, 0), false)?;
                self.session.execute(APPLICATION_PATH)?;
            }
            return Ok(created);
        };
        let relation = self.schema.relation(&load.table)?;
        self.session.execute(OWN_PATH)?;
        let matched = natural_keys::apply(
            &mut self.session,
            &self.schema,
            (table.number, load, staged.name()),
            &ended(&self.tables, table.number),
        )?;
        natural_keys::check_shared(&mut self.session, relation, load, staged.name())?;
        row_lookup::check_owner(&mut self.session, relation, load, staged.name())?;
        let loads: Vec<_> = self.tables.iter().map(|table| &table.load).enumerate().collect();
        outside::keep_references(&mut self.session, &self.schema, &loads, load, staged.name())?;
        let outside = outside::keep_outside(&mut self.session, &self.key_sets, load, relation, staged.name())?;
        let mut effect = staged.effect(&mut self.session, load, relation, matched)?;
        (effect.unchanged, effect.outside) = (effect.unchanged + outside, outside);
        if load.removal.is_some() {
            effect.removed = removal::count(&mut self.session, table.number)?;
        }
        let written = effect.created + effect.updated;
        let to_write = to_write.as_ref().filter(|_| written > 0);
        if let Some(changed) = to_write {
            changed.find(&mut self.session, &staged.changed_rows_sql(load, relation)?)?;
            if let Some(checked_rows) = to_check {
                let table = self.table_sql(&load.table)?.to_owned();
                let stored = self.schema.catalog.table(&load.table).into_iter().flat_map(|table| &table.columns);
                let stored = stored.filter(|column| !column.generated).map(|column| column.name.clone()).collect();
                let rows = WrittenRows { staged: staged.name(), changed: changed.name(), table: &table, stored };
                checked_rows.check(&mut self.session, load, &rows)?;
            }
        }
        if let Some(changes) = changes.filter(|_| load.mode == TableMode::Merge) {
            if load.removal.is_some() {
                removal::push(&mut self.session, table.number, load, relation, changes)?;
            }
            if written > 0 {
                staged.push_changes(&mut self.session, load, relation, changes)?;
            }
        }
        if let Some(kept) = &self.kept {
            if written > 0 {
                let rows = staged.changed_rows_sql(load, relation)?;
                kept.keep_before(&mut self.session, table.number, load, relation, &rows)?;
            }
            kept.keep_table(&mut self.session, table.number, load, relation, (effect.created, effect.removed), true)?;
        }
        if let Some(changed) = to_write.filter(|_| self.purpose == Purpose::Write) {
            let (into, rows) = (
                self.table_sql(&load.table)?.to_owned(),
                format!("SELECT count(*) AS records FROM {}", relation.from_item),
            );
            let before = self.session.fetch_count(&rows, &[])?;
            self.session.execute(APPLICATION_PATH)?;
            let merged = changed.write(&mut self.session, load, staged.name(), &into);
            let merged = merged.map_err(|error| error::refused_row(&table.name, error))?;
            self.session.execute(OWN_PATH)?;
            check_taken(&table.name, written, merged)?;
            check_added(&table.name, effect.created, self.session.fetch_count(&rows, &[])?.saturating_sub(before))?;
            if let Some(kept) = &self.kept {
                kept.check_written(&mut self.session, table.number, load, relation, written)?;
            }
        }
        self.tables[table.number].written += written;
        self.session.execute(APPLICATION_PATH)?;
        Ok(effect)
    }

    fn push_matches(&mut self, number: usize, matches: &mut dyn RowSink) -> Result<()> {
        let load = &self.tables.get(number).ok_or_else(no_table_begun)?.load;
        self.session.execute(OWN_PATH)?;
        natural_keys::push(&mut self.session, self.schema.relation(&load.table)?, number, load, matches)?;
        self.session.execute(APPLICATION_PATH)
    }

    fn take_failure(&mut self) -> Error {
        self.failure.take().unwrap_or_else(no_table_begun)
    }

    fn check_references(&mut self) -> Result<()> {
        if self.purpose == Purpose::DryRun {
            return dry_run::check(&mut self.session, &self.schema, &self.tables);
        }
        for PreparedTable { load, staged, .. } in self.tables.iter().filter(|table| !table.load.late.is_empty()) {
            let Some(staged) = staged else { continue };
            let (relation, into) = (self.schema.relation(&load.table)?, self.table_sql(&load.table)?.to_owned());
            staged.write_late(&mut self.session, load, relation, &into)?;
        }
        self.reference_checks.end(&mut self.session)
    }

    fn has_written(&self) -> bool {
        self.purpose == Purpose::Write
    }

    fn commit(mut self: Box<Self>) -> Result<()> {
        if self.purpose == Purpose::DryRun {
            return self.session.rollback();
        }
        self.session.execute(OWN_PATH)?;
        for table in &self.tables {
            sequences::advance(&mut self.session, self.schema.relation(&table.load.table)?)?;
        }
        self.session.commit().map_err(Error::during_commit)
    }
}
