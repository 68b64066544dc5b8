//! An `SQLite` file to write to: imports and their undo.
//!
//! Flow: `writing` opens the file, or a copy of it. `load` is the transaction that writes records, `changes` tells which differ.
//! `kept_rows` keeps in an `undo_file` what `undo` needs to put the rows back.

mod changes;
mod conflicts;
mod create_tables;
mod dangling;
mod insert_sql;
mod kept_rows;
mod load;
mod natural_keys;
mod outside;
mod removal;
mod returned;
mod row_buffer;
mod row_lookup;
mod rules;
mod selected_rows;
mod undo;
mod undo_file;
mod undo_words;
mod writing;

use std::path::PathBuf;

use rusqlite::OpenFlags;

use super::super::lookups::Lookups;
use super::super::target::{Load, Purpose, Target, UndoRequest};
use super::super::{InterruptHandle, Result, Source};
use super::SqliteSource;
use crate::model::import_undo::{KeptImport, UndoReport};
use load::SqliteLoad;
use row_lookup::SqliteLookups;
use undo_file::UndoFolder;

/// An `SQLite` file to write to.
#[derive(Clone, Debug)]
pub struct SqliteTarget {
    source: SqliteSource,
    undo_folder: UndoFolder,
}

impl SqliteTarget {
    /// What is needed to undo imports is kept in `undo_folder`, which is created when something is.
    #[must_use]
    pub fn new(source: SqliteSource, undo_folder: PathBuf) -> Self {
        Self { source, undo_folder: UndoFolder::new(undo_folder) }
    }
}

impl Target for SqliteTarget {
    fn begin_load(
        &self,
        purpose: Purpose,
        _removes: bool,
        on_handle: &dyn Fn(InterruptHandle),
    ) -> Result<Box<dyn Load>> {
        Ok(Box::new(SqliteLoad::begin(&self.source, purpose, self.undo_folder.clone(), on_handle)?))
    }

    fn begin_lookups(&self) -> Result<Box<dyn Lookups>> {
        Ok(Box::new(SqliteLookups::open(&self.source)?))
    }

    fn check(&self) -> Result<()> {
        writing::open(self.source.path(), OpenFlags::SQLITE_OPEN_READ_WRITE).map(drop)
    }

    fn engine(&self) -> &'static str {
        self.source.engine()
    }

    fn blocks_readers(&self) -> bool {
        true
    }

    fn list_kept_imports(&self) -> Result<Vec<KeptImport>> {
        undo::list(&self.source, &self.undo_folder)
    }

    fn undo(&self, request: &UndoRequest) -> Result<UndoReport> {
        undo::undo(&self.source, &self.undo_folder, request)
    }
}
