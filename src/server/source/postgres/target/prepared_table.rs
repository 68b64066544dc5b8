//! A table that a load fills, with the temporary tables that it needs.

use super::super::super::Result;
use super::super::super::target::{Purpose, TableLoad};
use super::super::catalog::Relation;
use super::super::database_session::DatabaseSession;
use super::changed_rows::ChangedRows;
use super::checked_rows::CheckedRows;
use super::kept_import::UndoSchema;
use super::natural_keys::{self, Loaded};
use super::removal;
use super::staging::StagedTable;
use crate::model::import::TableMode;

pub struct PreparedTable {
    pub load: TableLoad,
    /// Where the rows are copied first; nothing if they go straight into the table.
    pub staged: Option<StagedTable>,
    /// What a merge writes.
    pub changed: Option<ChangedRows>,
    /// Where a dry run checks that.
    pub checked: Option<CheckedRows>,
    /// How many of the rows are new or changed, once the table has ended.
    pub written: u64,
}

impl PreparedTable {
    /// Creates the temporary tables. `into` is the table's name in a statement.
    pub fn create(
        session: &mut DatabaseSession,
        number: usize,
        load: &TableLoad,
        (relation, into): (&Relation, &str),
        (purpose, kept): (Purpose, Option<&UndoSchema>),
    ) -> Result<Self> {
        let (is_dry_run, is_merged) = (purpose == Purpose::DryRun, load.mode == TableMode::Merge);
        let is_staged = is_dry_run || is_merged || !load.late.is_empty();
        let staged = is_staged.then(|| StagedTable::create(session, number, load, relation, into, purpose));
        let staged = staged.transpose()?;
        let may_change = is_merged && !load.columns.is_empty() && !load.key.is_empty();
        let changed = may_change.then(|| ChangedRows::create(session, number)).transpose()?;
        let checked = (may_change && is_dry_run)
            .then(|| CheckedRows::create(session, number, load, relation, into))
            .transpose()?;
        natural_keys::prepare(session, relation, number, load, into)?;
        if let Some(kept) = kept.filter(|_| is_merged && !load.key.is_empty()) {
            kept.create_before(session, number, load, relation)?;
            if load.removal.is_some() {
                kept.create_removed(session, number, relation)?;
            }
        }
        if load.removal.is_some() {
            removal::prepare(session, number, load, relation)?;
        }
        Ok(Self { load: load.clone(), staged, changed, checked, written: 0 })
    }
}

/// The staged tables before this one: of a part, one table may be filled in two goes.
pub fn ended(tables: &[PreparedTable], number: usize) -> Vec<Loaded<'_>> {
    let ended = tables.iter().enumerate().take(number);
    ended.filter_map(|(number, table)| Some((number, &table.load, table.staged.as_ref()?.name()))).collect()
}
