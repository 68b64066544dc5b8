//! Why a source cannot be bound, or a binding not be changed.

use crate::server::state;
use crate::server::support::private_folder;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A copy of the database, or the database under a new name.
    #[error(
        "this database is known as {known}, not as {name}: if it is the same one, use --source-name {known}, or \
         rename it with `waybill state rebind --source-name {name} --from {known}`; if it is a copy, keep the two apart \
         with `waybill state rebind --source-name {name} --new`"
    )]
    NameMismatch { known: String, name: String },
    /// A moved or upgraded database, or another one under the same name.
    #[error(
        "{name} was another database so far ({identity}, since {since}): if it was moved or upgraded and is this one now, \
         confirm with `waybill state rebind --source-name {name} --from {name}`; if this is a different database, give \
         it another --source-name"
    )]
    IdentityMismatch { name: String, identity: String, since: String },
    /// A file that was moved, and perhaps renamed.
    #[error(
        "this file was known as {known} ({identity}), but is no longer at that path: if it was moved, confirm with \
         `waybill state rebind --source-name {name} --from {known}`; if it is a different database, add it with \
         `waybill state rebind --source-name {name} --new`"
    )]
    Moved { known: String, identity: String, name: String },
    #[error("no database is named {0}; `waybill state list` lists the known ones")]
    Unknown(String),
    #[error("{0} is taken by another database: choose another --source-name")]
    NameTaken(String),
    #[error("several databases use this state: choose one with --source-name ({0})")]
    Ambiguous(String),
    #[error("a Waybill server uses this state for {0}: stop it first")]
    InUse(String),
    #[error(
        "another Waybill server already serves this database with this state: stop it first, or start this one with another --state"
    )]
    Served,
    #[error(transparent)]
    Lock(#[from] private_folder::Error),
    #[error(transparent)]
    State(#[from] state::Error),
}
