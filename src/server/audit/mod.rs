//! The audit trail: append-only, hash-chained, written in the transaction of the change that it is about.
//!
//! May import: `state`, `support`, `model`. Flow: a use case begins a transaction, changes state, records the event in
//! the `Journal` and commits: no event, no change. Refusals change nothing; `Journal::refuse` folds repeated ones into
//! one row. `trail` reads the entries and verifies the chain.

mod actor;
mod chain;
mod detail;
mod event;
mod journal;
mod refusals;
mod trail;

pub use crate::server::state::audit::{AuditRecord, Filter};
pub use actor::Actor;
pub use detail::format_detail;
pub use event::{EVENT_NAMES, Event};
pub use journal::Journal;
pub use trail::{ChainError, Verification, details_of_kind, for_each, newest, verify_chain};
