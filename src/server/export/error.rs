//! Why an export use case fails.

use crate::model::drift::Deviations;
use crate::model::name::TableName;
use crate::server::identity::Forbidden;
use crate::server::rows::UnreadableTable;
use crate::server::selection::InvalidSelection;
use crate::server::{artifact, identity, jobs, profile, selection, signing, source, state};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    #[error("there is no such export")]
    NotFound,
    #[error("{message}")]
    Busy { message: String, retry_after_seconds: u64 },
    #[error("The export is still running.")]
    StillRunning,
    #[error("This export did not finish, so it has no file. Start a new export.")]
    NotCompleted,
    #[error("the file has expired")]
    Expired,
    #[error("The server's disk has {free} free and this export needs about {needed}. Make room and try again.")]
    InsufficientStorage { free: String, needed: String },
    /// What is answered at once has a limit.
    #[error(
        "The export of this organisation is {size}, and what is answered at once may have {limit}. Start it on the page \
         /admin/organization/export and download it there, or ask the operator for `waybill export --organization`."
    )]
    TooLarge { size: String, limit: String },
    /// Why the records could not be counted, in words for people.
    #[error("{0}")]
    NotMeasured(String),
    #[error("stopped")]
    Stopped,
    /// The process was silent for longer than its lease: another one may have ended the export since.
    #[error("the export was suspended for too long and was given up; start a new export")]
    LeaseLost,
    #[error("Stopped at {table}, record {record}: {cause}.")]
    StoppedAt { table: TableName, record: u64, cause: Box<Error> },
    #[error("{}", describe_unreadable(.0))]
    Unreadable(Vec<UnreadableTable>),
    /// Drift, where `DriftPolicy::Refuse` is set.
    #[error(
        "database and profile differ, so nothing was written: {}; `waybill profile check` shows what to add, \
         --drift=report exports the rest",
        .0.lines().join("; ")
    )]
    Drifted(Box<Deviations>),
    /// The selection names a filter, a value or a table that does not exist.
    #[error(transparent)]
    Selection(#[from] InvalidSelection),
    #[error(transparent)]
    Source(#[from] source::Error),
    #[error(transparent)]
    Profile(#[from] profile::Error),
    #[error(transparent)]
    State(#[from] state::Error),
    #[error(transparent)]
    Jobs(#[from] jobs::Error),
    #[error(transparent)]
    Artifact(#[from] artifact::Error),
    #[error(transparent)]
    Signing(#[from] signing::Error),
    #[error(transparent)]
    Identity(#[from] identity::Error),
    #[error("{0}")]
    Output(String),
    /// The records or tables read do not match the plan made in the same snapshot.
    #[error("{0}")]
    Inconsistent(String),
    #[error("internal error: a task of the program panicked; please report it")]
    Panicked,
}

impl From<selection::Error> for Error {
    fn from(error: selection::Error) -> Self {
        match error {
            selection::Error::Invalid(invalid) => Self::Selection(invalid),
            selection::Error::Source(error) => Self::Source(error),
        }
    }
}

pub type Result<T> = std::result::Result<T, Error>;

/// Lists all unreadable tables in one message, grouped by reason, so that they can be fixed in one go.
fn describe_unreadable(tables: &[UnreadableTable]) -> String {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for UnreadableTable { table, reason } in tables {
        match reasons.iter_mut().find(|(known, _)| known == reason) {
            Some((_, tables)) => tables.push(table.as_str()),
            None => reasons.push((reason, vec![table.as_str()])),
        }
    }
    let lines: Vec<String> =
        reasons.iter().map(|(reason, tables)| format!("{} ({reason})", tables.join(", "))).collect();
    format!("not every table can be read, so nothing was exported: {}", lines.join("; "))
}
