//! Where data comes from: one trait of the few verbs the product needs, one folder per engine.
//!
//! May import: `rows`, `model`. Every verb blocks; callers run them on a thread of their own. Flow:
//! `open_snapshot` pins one consistent view, everything about one preview or run is read from it,
//! and dropping it ends the session in the database.

pub mod postgres;
pub mod sqlite;

use crate::server::rows::{Catalog, RowSink, Selection};

/// What can go wrong with a source, in words fit for anybody: no path, no SQL, no value.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the database file does not exist")]
    Missing,
    #[error("the database file cannot be opened: {0}")]
    Unopenable(&'static str),
    #[error("the file is not an SQLite database")]
    NotSqlite,
    #[error("another program has locked the database (waited 5 seconds); try again when it is done")]
    Locked,
    #[error("the database is damaged; check it with its own tools and restore it from a backup")]
    Damaged,
    #[error("the disk that holds the database reports an error")]
    Disk,
    #[error("the database has no table {0}")]
    NoTable(String),
    #[error("the database has no column {0}")]
    NoColumn(String),
    #[error("table {table} cannot be used for signing in: {reason}")]
    NotATable { table: String, reason: String },
    #[error("the read was interrupted")]
    Interrupted,
    #[error("the reader of the rows stopped")]
    Stopped,
    #[error("the database server cannot be reached; check that it runs, its address and its TLS mode")]
    Unreachable,
    /// Its cause may name files, and is for whoever has typed their names.
    #[error("the database server's TLS cannot be used")]
    Tls(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the database server refuses this user: check name, password and pg_hba.conf")]
    SignInRefused,
    #[error(
        "the database server asks for a password: put it into PGPASSWORD, ~/.pgpass (which nobody else may read) or WAYBILL_SOURCE"
    )]
    PasswordNeeded,
    #[error(
        "the database server asks for a way to sign in that Waybill does not have; let pg_hba.conf take scram-sha-256"
    )]
    SignInUnknown,
    #[error(
        "the database server asks for the password in clear or as MD5, and nothing verifies the server: use sslmode=verify-full, let pg_hba.conf take scram-sha-256, or allow it with require_auth=md5 (or password)"
    )]
    SignInWeak,
    #[error("the database server asks for a way to sign in that require_auth does not allow")]
    SignInNotAllowed,
    #[error(
        "the database server does not bind the sign-in to its TLS connection, which channel_binding=require demands: it needs TLS, scram-sha-256 and a certificate that is signed with SHA-2"
    )]
    SignInUnbound,
    #[error(
        "the database server does not prove that it knows the password, and may be another one: check its address, and use sslmode=verify-full"
    )]
    Impostor,
    #[error("the database server ended the read, by a time limit of its own or on its admin's word")]
    Cancelled,
    #[error("the server has no database of that name")]
    NoDatabase,
    #[error("the database user may not read what it needs; GRANT it SELECT on the tables to export")]
    NotAllowed,
    #[error("the database server has no connection free; try again later or raise max_connections")]
    TooManyConnections,
    #[error("the database closed the connection")]
    Closed,
    #[error("the database stopped answering in the middle")]
    Stalled,
    #[error(
        "a standby server cancelled the read to catch up; export from the primary or raise max_standby_streaming_delay"
    )]
    Standby,
    #[error("the database's tables are being changed all the time; try again when that is done")]
    Changing,
    #[error("the database sent something that cannot be understood; the connection may pass through a faulty proxy")]
    Protocol,
    #[error(
        "table {table} is locked by {program} (user {user}, process {process}); waited {seconds} seconds; try again when it is done"
    )]
    LockedBy { table: String, user: String, program: String, process: i32, seconds: u64 },
    #[error("a table is locked by another program; waited {seconds} seconds; try again when it is done")]
    TableLocked { seconds: u64 },
    #[error("the server is PostgreSQL {version}; {oldest} or newer is needed")]
    TooOld { version: String, oldest: i32 },
    #[error("the database refused a read (SQLSTATE {code}: see PostgreSQL's manual, appendix A)")]
    Refused {
        code: String,
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("the database refused a read")]
    Engine(#[source] Box<dyn std::error::Error + Send + Sync>),
}

pub type Result<T> = std::result::Result<T, Error>;

/// Ends whatever a snapshot is doing, from any thread.
pub type Interrupt = Box<dyn Fn() + Send + Sync>;

/// What tells a database from every other one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The engine, and what it or its place says: `sqlite:/srv/app.db`, `postgresql:7711877937184841725/app`.
    pub name: String,
    /// What a file keeps when it is moved.
    pub file: Option<String>,
}

/// A database to read from.
pub trait Source: Send + Sync {
    /// Such as "SQLite".
    fn engine(&self) -> &'static str;

    fn engine_version(&self) -> String;

    /// What tells this database from every other one, as the engine knows it. A physical copy has the same.
    ///
    /// # Errors
    /// When the database cannot be asked.
    fn identity(&self) -> Result<Identity>;

    /// Pins one consistent view of the whole database. `begun` gets the means to end it as soon as there
    /// is something to end, which may be long before there is a view: others may hold locks.
    ///
    /// # Errors
    /// When the database is missing, locked, damaged or not what it should be.
    fn begin_snapshot(&self, begun: &dyn Fn(Interrupt)) -> Result<Box<dyn Snapshot>>;

    /// The same for whoever will not interrupt it.
    ///
    /// # Errors
    /// As `begin_snapshot`.
    fn open_snapshot(&self) -> Result<Box<dyn Snapshot>> {
        self.begin_snapshot(&|_| ())
    }

    /// Reads `columns` of the one row of `table` that fulfils every condition, as texts, outside any snapshot: the
    /// newest truth about an account. None, or several rows, give `None`.
    ///
    /// # Errors
    /// As `open_snapshot`.
    fn find(&self, table: &str, conditions: &[Condition<'_>], columns: &[&str]) -> Result<Option<Vec<Option<String>>>>;

    /// Whether some row of `table` fulfils every condition now.
    ///
    /// # Errors
    /// As `open_snapshot`.
    fn holds(&self, table: &str, conditions: &[Condition<'_>]) -> Result<bool>;
}

/// What a column must hold: one of these.
#[derive(Clone, Debug)]
pub struct Condition<'a> {
    pub column: &'a str,
    pub any_of: Vec<Accepted<'a>>,
}

impl<'a> Condition<'a> {
    #[must_use]
    pub fn equals(column: &'a str, value: &'a str) -> Self {
        Self { column, any_of: vec![Accepted::Text(value)] }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted<'a> {
    /// As the database writes the value as text.
    Text(&'a str),
    Null,
    NotNull,
}

/// One consistent view.
pub trait Snapshot: Send {
    /// How the view is isolated from writers, for the file's metadata.
    fn isolation(&self) -> &'static str;

    /// Whether those who write to the database have to wait while this view is open.
    fn blocks_writers(&self) -> bool;

    /// # Errors
    /// When the schema cannot be read.
    fn catalog(&mut self) -> Result<Catalog>;

    /// Exact number of rows.
    ///
    /// # Errors
    /// When the table cannot be read.
    fn count(&mut self, table: &str) -> Result<u64>;

    /// Pushes a few hundred rows, spread over the table.
    ///
    /// # Errors
    /// When the table cannot be read or the sink stops.
    fn sample(&mut self, selection: &Selection, sink: &mut dyn RowSink) -> Result<()>;

    /// Pushes every row once.
    ///
    /// # Errors
    /// When the table cannot be read or the sink stops.
    fn read_table(&mut self, selection: &Selection, sink: &mut dyn RowSink) -> Result<()>;
}

/// In characters. Nobody's name or password hash is longer, and nobody's memory is spent on one that is.
const LONGEST_ANSWER: usize = 4096;
/// Why look-ups for sign-in read nothing but tables.
const NO_TABLE: &str = "it is no table; whoever made it would choose who may sign in";

/// An identifier from a catalog or a profile, quoted as SQL wants it (ISO/IEC 9075-2, delimited identifier).
fn quoted(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}
