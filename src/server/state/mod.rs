//! Waybill's own state: sources, accounts, sessions, exports, jobs and the audit trail.
//!
//! May import: `model`, `support`. Flow: `StateDatabase::open` opens and migrates the store; `StateDatabase::for_source`
//! returns the state of one source, whose tables hold that source's rows only; a use case begins a transaction, changes
//! tables, appends to the audit trail and commits once. One file here describes the rows of a table and what can be done
//! with them (a trait); one folder per engine implements these traits with literal SQL.

pub mod accounts;
pub mod audit;
mod database;
mod error;
pub mod exports;
pub mod jobs;
pub mod second_factors;
pub mod sessions;
pub mod sources;
pub mod sqlite;
mod store;

pub use database::{SourceState, StateDatabase};
pub use error::{Error, Result};
pub use store::{Store, Tables, Tx};
