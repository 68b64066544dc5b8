//! What an engine of the state provides: typed tables, for reads and in write transactions.

use async_trait::async_trait;

use super::Result;
use super::accounts::AccountTable;
use super::audit::AuditTable;
use super::exports::ExportTable;
use super::jobs::JobTable;
use super::second_factors::SecondFactorTable;
use super::sessions::SessionTable;
use super::sources::SourceTable;

/// A database that keeps the state. Implementations pass the contract suite in `src/tests/store_contract.rs`.
#[async_trait]
pub trait Store: std::fmt::Debug + Send + Sync {
    /// Begins a write transaction on the rows of one source, or on those of none. It takes the write lock at once, so
    /// that it cannot fail to get it half-way, and so that entries of the audit trail are appended one after another.
    /// Dropped without a commit, it changes nothing.
    ///
    /// # Errors
    /// `Database` if the lock cannot be taken within 10 seconds or the database cannot be used.
    async fn begin(&self, source_id: Option<&str>) -> Result<Box<dyn Tx>>;

    /// Opens the tables outside a transaction: each call sees what is committed by then, and commits by itself.
    ///
    /// # Errors
    /// `Database` if the database cannot be used.
    async fn connect(&self, source_id: Option<&str>) -> Result<Box<dyn Tables>>;
}

/// The tables of the state, restricted to one source.
pub trait Tables: Send {
    /// The source whose rows these are; `None` for accounts and audit entries that belong to no source.
    fn source_id(&self) -> Option<&str>;

    fn accounts(&mut self) -> &mut dyn AccountTable;

    fn audit(&mut self) -> &mut dyn AuditTable;

    fn exports(&mut self) -> &mut dyn ExportTable;

    fn jobs(&mut self) -> &mut dyn JobTable;

    fn second_factors(&mut self) -> &mut dyn SecondFactorTable;

    fn sessions(&mut self) -> &mut dyn SessionTable;

    /// Of every source, whichever one the others are restricted to.
    fn sources(&mut self) -> &mut dyn SourceTable;
}

/// A write transaction.
#[async_trait]
pub trait Tx: Tables {
    /// Restricts the tables to another source from here on: one that this transaction adds or changes.
    fn set_source(&mut self, source_id: &str);

    /// Commits the transaction.
    ///
    /// # Errors
    /// `Database` if the commit fails; nothing is written then.
    async fn commit(self: Box<Self>) -> Result<()>;
}
