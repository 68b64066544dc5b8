//! A PostgreSQL database to write to: imports and their undo.
//!
//! Flow: `rules` tells what may run and be written at all. `load` is the transaction: it copies records into empty tables, or into
//! `staging`, from where they are merged. `kept_import` keeps what `undo` needs to find the rows again, which `put_back` then does.

mod changed_rows;
mod checked_rows;
mod conflicts;
mod copy_values;
mod create_tables;
mod current_table;
mod dry_run;
mod foreign_key_check;
mod kept_import;
mod load;
mod lock;
mod natural_keys;
mod outside;
mod prepared_table;
mod put_back;
mod recreated_keys;
mod reference_checks;
mod references_to;
mod removal;
mod replica_role;
mod returned;
mod row_counts;
mod row_lookup;
mod rules;
mod same_key;
mod selected_rows;
mod sequences;
mod staging;
mod undo;
mod unique_values;

use super::super::lookups::Lookups;
use super::super::target::{Load, Purpose, Target, UndoRequest};
use super::super::{InterruptHandle, Result};
use super::client::ConnectConfig;
use super::database_session::DatabaseSession;
use super::{ENGINE, LOCK_TIMEOUT, STALL_TIMEOUT, catalog};
use crate::model::import_undo::{KeptImport, UndoReport};
use load::PostgresLoad;
use row_lookup::PostgresLookups;

/// A PostgreSQL database to write to.
#[derive(Clone, Debug)]
pub struct PostgresTarget {
    config: ConnectConfig,
    trusted_owners: Vec<String>,
}

impl PostgresTarget {
    /// Triggers whose functions belong to `trusted_owners` may run.
    #[must_use]
    pub fn new(config: ConnectConfig, trusted_owners: Vec<String>) -> Self {
        Self { config, trusted_owners }
    }

    fn open_session(&self) -> Result<DatabaseSession> {
        DatabaseSession::open(&self.config, STALL_TIMEOUT, self.trusted_owners.clone().into())
    }
}

impl Target for PostgresTarget {
    fn begin_load(
        &self,
        purpose: Purpose,
        removes: bool,
        on_handle: &dyn Fn(InterruptHandle),
    ) -> Result<Box<dyn Load>> {
        let mut session = self.open_session()?;
        on_handle(session.interrupt_handle());
        session.begin_load(LOCK_TIMEOUT)?;
        rules::check_role(&mut session)?;
        let schema = catalog::read(&mut session)?;
        Ok(Box::new(PostgresLoad::new(session, schema, (purpose, removes))))
    }

    fn begin_lookups(&self) -> Result<Box<dyn Lookups>> {
        let mut session = self.open_session()?;
        let schema = session.with_transaction(|session| {
            rules::check_role(session)?;
            catalog::read(session)
        })?;
        Ok(Box::new(PostgresLookups::new(session, schema)))
    }

    fn check(&self) -> Result<()> {
        self.begin_load(Purpose::DryRun, false, &|_| ()).map(drop)
    }

    fn engine(&self) -> &'static str {
        ENGINE
    }

    fn blocks_readers(&self) -> bool {
        false
    }

    fn list_kept_imports(&self) -> Result<Vec<KeptImport>> {
        self.open_session()?.with_transaction(undo::list)
    }

    fn undo(&self, request: &UndoRequest) -> Result<UndoReport> {
        let mut session = self.open_session()?;
        undo::undo(&mut session, request)
    }
}
