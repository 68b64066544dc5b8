//! The history use cases: past exports and the audit trail, newest first.
//!
//! May import: `state`, `identity`, `audit`, `signing`, `support`, `model`. One use case a file: `list` (past exports),
//! `audit_page` (the audit trail), `identify_file` (finds the export of a given file).

mod audit_page;
mod identify_file;
mod list;

use std::sync::Arc;

use crate::model::access::{Capability, Scope};
use crate::server::audit::Journal;
use crate::server::identity::{self, Caller, Forbidden};
use crate::server::signing::PublicKeys;
use crate::server::state::{self, SourceState};
use crate::server::support::clock::Clock;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    #[error(transparent)]
    State(#[from] state::Error),
}

/// The history use cases of one source.
pub struct History {
    state: SourceState,
    public_keys: PublicKeys,
    clock: Arc<dyn Clock>,
    journal: Journal,
}

impl History {
    /// `public_keys` are all that this installation has signed with.
    #[must_use]
    pub fn new(state: SourceState, public_keys: PublicKeys, clock: Arc<dyn Clock>, journal: Journal) -> Self {
        Self { state, public_keys, clock, journal }
    }

    /// Whoever may export the whole database may see who did.
    async fn authorise(&self, caller: &Caller) -> Result<(), Error> {
        let (capability, scope) = (Capability::ExportDatabase, Scope::WholeDatabase);
        identity::authorise(&self.journal, caller, capability, &scope, "look at the history").await
    }
}
