//! Write access to a database: the `Target` and `Load` traits, the mirror of `Source` and `Snapshot`.

use std::collections::{BTreeMap, BTreeSet};

use super::lookups::Lookups;
use super::merge_rules::{EmptiedReference, MergeRules};
use super::new_table::NewTable;
use super::{Error, InterruptHandle, Result, SelectRows};
use crate::model::import::{TableEffect, TableMode};
use crate::model::import_undo::{KeptImport, UndoReport};
use crate::model::name::{FieldName, TableName};
use crate::server::rows::{KeySetId, PieceSink, RowSink};

/// A database to write to. What is read of a source is read by another type: nothing that exports can write.
pub trait Target: Send + Sync {
    /// Begins the one transaction of an import. `removes`: rows that are not in the file are removed in it, and references are looked at
    /// once that is done. `on_handle` receives the interrupt handle as soon as the session exists.
    ///
    /// # Errors
    /// `Unsuitable` when the user has rights that code of the database could misuse; otherwise as `Source::begin_snapshot`.
    fn begin_load(&self, purpose: Purpose, removes: bool, on_handle: &dyn Fn(InterruptHandle))
    -> Result<Box<dyn Load>>;

    /// Looks rows up before a load is begun. Nobody is kept waiting, and nothing is written.
    ///
    /// # Errors
    /// As `begin_load`.
    fn begin_lookups(&self) -> Result<Box<dyn Lookups>>;

    /// Whether its user may import at all, before anybody asks.
    ///
    /// # Errors
    /// As `begin_load`.
    fn check(&self) -> Result<()>;

    /// The engine, as files name it.
    fn engine(&self) -> &'static str;

    /// Whether an import keeps readers waiting, as it does all other writers of the whole database.
    fn blocks_readers(&self) -> bool;

    /// The imports that can be undone, the oldest first.
    ///
    /// # Errors
    /// As `Source::begin_snapshot`.
    fn list_kept_imports(&self) -> Result<Vec<KeptImport>>;

    /// Takes back what an import has done, in one transaction.
    ///
    /// # Errors
    /// `NotFound` if there is no such import; `Refused` if records were changed since, or others refer to records that would be
    /// removed, or the database does not take the old values; otherwise as `begin_load`.
    fn undo(&self, request: &UndoRequest) -> Result<UndoReport>;
}

/// What is asked of an undo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UndoRequest {
    /// The id of the import.
    pub import: String,
    pub purpose: Purpose,
    /// Records that were changed since stay as they are, and the others are put back.
    pub keeps_changed: bool,
    /// The digest of what it must do, as a dry run has reported it.
    pub expected: Option<String>,
}

/// What a transaction is begun for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Write,
    /// To find out what would be written, and what the database would refuse. It keeps nothing, whatever is pushed.
    DryRun,
}

/// What is pushed for one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableLoad {
    pub table: TableName,
    pub mode: TableMode,
    /// The columns of which values are pushed, in this order; the database fills the others.
    pub columns: Vec<String>,
    /// Of these, the ones that a record that is there already keeps.
    pub kept: Vec<String>,
    /// Of these, the ones of which a record that is there already may keep its value if a NULL is pushed.
    pub emptied: Vec<EmptiedReference>,
    /// The columns that tell records apart; empty if none do, which only `Merge` needs.
    pub key: Vec<String>,
    /// Of these, references that are written once all tables are filled, and empty until then: the database checks them at once, and
    /// they lead to a later table. Not of a merge.
    pub late: Vec<String>,
    /// Whether `end_table` is asked what has changed.
    pub is_recorded: bool,
    /// What a merge goes by besides the key.
    pub merge: MergeRules,
    /// The column that says whose a row is. A row that is there and somebody else's ends the import.
    pub owner: Option<String>,
    /// Which rows are removed if the file does not have them.
    pub removal: Option<Removal>,
}

/// Rows that a replacement removes, of those whose keys are not among the file's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Removal {
    All,
    /// Those of this owner, as `TableLoad::owner` says.
    OfOwner(String),
    /// Those of the set. A row that is not in it stays as it is, whatever the file has.
    Selected(KeySetId),
    /// None: every row that is there stays as it is.
    Nothing,
}

impl Removal {
    /// Whether rows may be there that the replacement is not about.
    #[must_use]
    pub fn is_of_part(&self) -> bool {
        matches!(self, Self::Selected(_) | Self::Nothing)
    }
}

impl TableLoad {
    /// The columns that an update replaces.
    pub fn replaced(&self) -> impl Iterator<Item = &String> {
        self.columns.iter().filter(|column| !self.kept.contains(column) && !self.key.contains(column))
    }
}

/// A transaction that fills tables. Dropped without `commit`, it has changed nothing. Rows are looked up and selected before `prepare`
/// only.
///
/// Between `begin_table` and `end_table`, the rows of one of the prepared tables are pushed, value by value, as into any sink.
/// Once a method of the sink has returned `Stopped`, `take_failure` says why.
pub trait Load: PieceSink + Lookups + SelectRows {
    /// Creates tables, in the same transaction.
    ///
    /// # Errors
    /// `Refused` if the database does not take one, or the user may not create it.
    fn create_tables(&mut self, tables: &[NewTable]) -> Result<()>;

    /// # Errors
    /// When the schema cannot be read.
    fn rules(&mut self, tables: &[TableName], mode: TableMode) -> Result<TargetRules>;

    /// Waits until nobody else writes to the tables, and keeps new writers waiting. Readers go on.
    ///
    /// # Errors
    /// `Locked` when another session holds one for too long; `PermissionDenied` when the user may not write to one.
    fn lock(&mut self, tables: &[TableName]) -> Result<()>;

    /// The exact number of the table's rows.
    ///
    /// # Errors
    /// An error of the database.
    fn count(&mut self, table: &TableName) -> Result<u64>;

    /// Says once, before the first row, which tables are filled. From here on, a dry run can write nothing, and readers of tables that are
    /// empty may have to wait. What is needed to undo
    /// the import is kept with it, under this head.
    ///
    /// # Errors
    /// `NotFound` for an unknown table or column, `Refused` if the user may keep nothing; otherwise an error of the database.
    fn prepare(&mut self, tables: &[TableLoad], kept: Option<&KeptImport>) -> Result<()>;

    /// Begins to take the keys of the file's rows for the prepared table with this number: the values of the columns of its key, in the
    /// order of its columns. Before the first table, and for all tables with a removal.
    ///
    /// # Errors
    /// As `prepare`.
    fn begin_keys(&mut self, number: usize) -> Result<()>;

    /// # Errors
    /// When the database does not take a key.
    fn end_keys(&mut self) -> Result<()>;

    /// Removes the rows that the file does not have, once all keys are known; `end_table` reports them.
    ///
    /// # Errors
    /// `Refused` if others refer to one that would be removed, or the database does not remove it.
    fn remove_others(&mut self) -> Result<()>;

    /// Begins the prepared table with this number.
    ///
    /// # Errors
    /// As `prepare`.
    fn begin_table(&mut self, number: usize) -> Result<()>;

    /// Ends the table, and returns what has happened to its rows, or would.
    ///
    /// In a merge, `changes` gets a row for each one that was removed, and then for each that is new or replaced, in the order of the keys: the number of its
    /// `ChangeReason`, its key, and of each column that is replaced the value that was there (NULL if it is new) and the one that is
    /// there now.
    ///
    /// # Errors
    /// `Refused` when the database does not take a row, or a natural key does not tell which record is meant; `Stopped` when `changes`
    /// stops; otherwise an error of the database.
    fn end_table(&mut self, changes: Option<&mut dyn RowSink>) -> Result<TableEffect>;

    /// Pushes which records of the table that has ended last are there under another key: the file's key and the one that is there,
    /// in the order of the former.
    ///
    /// # Errors
    /// `Stopped` when `matches` stops; otherwise an error of the database.
    fn push_matches(&mut self, number: usize, matches: &mut dyn RowSink) -> Result<()>;

    /// Why the sink has stopped.
    fn take_failure(&mut self) -> Error;

    /// Checks what the database has put off until now. After a dry run that is all.
    ///
    /// # Errors
    /// `Refused` when a reference leads nowhere; otherwise an error of the database.
    fn check_references(&mut self) -> Result<()>;

    /// Whether the rows are in the tables, so that what a query finds of them is what it will find: a dry run may compare only.
    fn has_written(&self) -> bool;

    /// Makes all of it visible.
    ///
    /// # Errors
    /// An error of the database. Nothing has changed then, unless it is `Uncertain`.
    fn commit(self: Box<Self>) -> Result<()>;
}

/// What a database does by itself when rows are added to its tables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetRules {
    /// Columns that the database fills if no value is given, or always, with the expression that it does so by.
    pub defaults: BTreeMap<FieldName, String>,
    /// Triggers that may run.
    pub triggers: Vec<Trigger>,
    /// Triggers that do not, since the user may leave them out, and references are checked in another way.
    pub silent_triggers: Vec<Trigger>,
    /// Columns whose changes the database carries on to rows that refer to them.
    pub carried_on: Vec<CarriedOn>,
    /// Rules that a dry run does not check: a table, and the rule's name and kind.
    pub unforeseen: Vec<(TableName, String)>,
    /// Tables into which a second pass may not write: what runs then could do more to its records than is known.
    pub run_code: BTreeSet<TableName>,
    /// References that the database checks before a later table is filled.
    pub checked_at_once: Vec<CheckedReference>,
}

/// A trigger of a table that is written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// As people know it: `audit_users on users (UPDATE)`.
    pub name: String,
    /// What it does, in the database's own language.
    pub definition: String,
}

/// A reference with `ON UPDATE CASCADE`, or one that is emptied then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CarriedOn {
    pub table: TableName,
    /// The columns that are referred to.
    pub columns: Vec<String>,
    /// The table that refers to them, and the name of the reference.
    pub referring: String,
}

/// A foreign key whose check cannot be put off until the end of the transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedReference {
    pub table: TableName,
    pub columns: Vec<String>,
    pub constraint: String,
    pub target: TableName,
}
