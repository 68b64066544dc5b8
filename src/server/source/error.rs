//! Why a source cannot be read: a kind that callers decide by, and words from the engine that knows them.

use std::borrow::Cow;

use crate::model::name::{FieldName, TableName};

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a source cannot be read. Its message is safe to show to anyone: it contains no path, no SQL and no value. The cause
/// may contain them.
#[derive(Debug, thiserror::Error)]
#[error("{advice}")]
pub struct Error {
    pub kind: Kind,
    /// What is wrong and what to do about it, for people.
    advice: Cow<'static, str>,
    #[source]
    cause: Option<Cause>,
}

/// What callers tell apart. The engine's words say more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// There is no such database, table or column.
    NotFound,
    /// It exists and cannot serve: another format, an old version, a view where a table is needed.
    Unsuitable,
    /// The user may not read what is asked for.
    PermissionDenied,
    /// The cause may name files: it is shown only on the command line, to the operator who named them.
    Tls,
    /// There is no connection that works: the server is out of reach, refuses the user, or has closed the connection or
    /// stopped responding; the file cannot be opened.
    Connection,
    /// The connection broke during a commit: nobody knows whether it has happened.
    Uncertain,
    /// Another program holds a lock.
    Locked,
    /// An `InterruptHandle` or the sink ended the read.
    Stopped,
    /// The database does not take a row: a rule of its tables says so.
    Refused,
    /// It cannot be told which record is meant. The message has keys of records.
    Ambiguous,
    /// The database refused a statement, or returned what it should not, for any other reason.
    Failed,
}

pub type Result<T> = std::result::Result<T, Error>;

impl Kind {
    /// Whether the database does not allow it, and has not failed.
    #[must_use]
    pub fn is_refusal(self) -> bool {
        matches!(self, Self::Refused | Self::Ambiguous | Self::Unsuitable | Self::PermissionDenied)
    }
}

impl Error {
    pub(super) fn new(kind: Kind, advice: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, advice: advice.into(), cause: None }
    }

    pub(super) fn with_cause(kind: Kind, advice: impl Into<Cow<'static, str>>, cause: impl Into<Cause>) -> Self {
        Self { kind, advice: advice.into(), cause: Some(cause.into()) }
    }

    /// An error of a commit, of which nobody knows whether it has happened if the connection broke.
    pub(super) fn during_commit(self) -> Self {
        let kind = if self.kind == Kind::Connection { Kind::Uncertain } else { self.kind };
        Self { kind, ..self }
    }

    pub(super) fn no_table(table: &TableName) -> Self {
        Self::new(Kind::NotFound, format!("the database has no table {table}"))
    }

    pub(super) fn no_column(column: &FieldName) -> Self {
        Self::new(Kind::NotFound, format!("the database has no column {column}"))
    }

    pub(super) fn unusable_for_sign_in(table: &TableName, reason: &str) -> Self {
        Self::new(Kind::Unsuitable, format!("table {table} cannot be used for sign-in: {reason}"))
    }

    pub(super) fn locked() -> Self {
        let advice = "another program has locked the database (waited 5 seconds); try again when it is done";
        Self::new(Kind::Locked, advice)
    }

    /// The database is damaged.
    #[must_use]
    pub fn damaged() -> Self {
        let advice = "the database is damaged; check it with its own tools and restore it from a backup";
        Self::new(Kind::Failed, advice)
    }

    pub(super) fn disk_io() -> Self {
        Self::new(Kind::Failed, "the disk that holds the database reports an error")
    }

    pub(super) fn interrupted() -> Self {
        Self::new(Kind::Stopped, "the read was interrupted")
    }

    /// The sink of a read has stopped.
    #[must_use]
    pub fn sink_stopped() -> Self {
        Self::new(Kind::Stopped, "the export stopped before every row was read")
    }

    /// The database does not answer.
    #[must_use]
    pub fn stalled() -> Self {
        let advice = "the database stopped responding; check the server and the network, then try again";
        Self::new(Kind::Connection, advice)
    }

    /// A statement that the engine refuses for a reason without words of its own.
    pub(super) fn rejected(cause: impl Into<Cause>) -> Self {
        Self::with_cause(Kind::Failed, "the database refused a read", cause)
    }
}
