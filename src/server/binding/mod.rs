//! Binds each source to its part of the state, so that accounts, sessions and exports of one database are never used
//! for another.
//!
//! May import: `source` (identities), `state`, `audit`, `support`. Flow: a source has an identity, which its engine
//! reports, and a name, which the operator gives; `bind` finds it among the known sources, or adds it. Where identity
//! and name disagree (a moved, copied or upgraded database), the operator decides with `rebind`. Every change of a binding
//! is in the audit trail.

mod accounts;
mod bind;
mod error;
mod known_sources;
mod matching;
mod rebind;
mod server_lock;
mod source_name;

pub use accounts::adopt_accounts;
pub use bind::bind;
pub use error::Error;
pub use known_sources::{find_state, list};
pub use rebind::{Rebind, rebind};
pub use server_lock::lock_for_server;
pub use source_name::SourceName;
