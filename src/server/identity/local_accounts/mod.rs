//! Administration of local accounts, second factors and sessions from the command line. They are stored in Waybill's
//! state, so no source is needed.

mod accounts;
mod second_factor;
mod sessions;

use std::net::IpAddr;
use std::sync::Arc;

use crate::server::audit::{Actor, Journal};
use crate::server::state::SourceState;
use crate::server::support::clock::Clock;

pub use accounts::AccountSummary;
pub use sessions::SessionSummary;

/// Changes accounts on behalf of an operator, whom the audit trail names.
pub struct Operator {
    pub(super) state: SourceState,
    pub(super) journal: Journal,
    pub(super) clock: Arc<dyn Clock>,
    /// In the audit trail: `cli:<system user>` or `set-up code`.
    pub(super) name: String,
    /// Where the request came from, if it came over the network.
    pub(super) network: Option<IpAddr>,
}

impl Operator {
    /// An operator on this machine, who administers the accounts of this state.
    #[must_use]
    pub fn new(state: SourceState, name: String, clock: Arc<dyn Clock>) -> Self {
        Self { journal: Journal::new(state.clone(), clock.clone()), state, clock, name, network: None }
    }

    /// Whether the accounts belong to a source already, and not to the first one that is served.
    #[must_use]
    pub fn has_source(&self) -> bool {
        self.state.source_id().is_some()
    }

    fn actor(&self) -> Actor<'_> {
        Actor { name: &self.name, network: self.network }
    }
}
