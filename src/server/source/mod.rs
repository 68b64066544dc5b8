//! Read access to source databases: the `Source` and `Snapshot` traits, and one folder per engine.
//!
//! May import: `rows`, `model`. Every method blocks; callers run them on a dedicated thread. Flow: `open_snapshot`
//! opens one consistent view, everything for one preview or run is read from it, and dropping it ends the session in
//! the database.

pub mod postgres;
pub mod sqlite;

use crate::model::name::TableName;
use crate::server::rows::{Catalog, RowSink, Scan};

/// Why a source cannot be read. Messages are safe to show to anyone: they contain no path, no SQL and no value.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the database file does not exist")]
    FileNotFound,
    #[error("the database file cannot be opened: {0}")]
    CannotOpen(&'static str),
    #[error("the file is not an SQLite database")]
    NotSqlite,
    #[error("another program has locked the database (waited 5 seconds); try again when it is done")]
    Locked,
    #[error("the database is damaged; check it with its own tools and restore it from a backup")]
    Corrupt,
    #[error("the disk that holds the database reports an error")]
    DiskIo,
    #[error("the database has no table {0}")]
    NoTable(TableName),
    #[error("the database has no column {0}")]
    NoColumn(String),
    #[error("table {table} cannot be used for sign-in: {reason}")]
    UnusableForSignIn { table: TableName, reason: String },
    #[error("the read was interrupted")]
    Interrupted,
    #[error("the export stopped before every row was read")]
    SinkStopped,
    #[error("the database server cannot be reached; check that it is running, its address and sslmode")]
    Unreachable,
    /// The cause may name files; it is shown only on the command line, to the operator who named them.
    #[error("the database server's TLS cannot be used")]
    Tls(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the database server refuses this user: check name, password and pg_hba.conf")]
    AuthRefused,
    #[error(
        "the database server asks for a password: set it in PGPASSWORD, ~/.pgpass (with mode 600) or WAYBILL_SOURCE"
    )]
    PasswordRequired,
    #[error(
        "the database server asks for an authentication method that Waybill does not support; use scram-sha-256 in pg_hba.conf"
    )]
    UnsupportedAuth,
    #[error(
        "the database server asks for the password in cleartext or as MD5, and its identity is not verified: use sslmode=verify-full, use scram-sha-256 in pg_hba.conf, or allow it with require_auth=md5 (or password)"
    )]
    WeakAuth,
    #[error("the database server asks for an authentication method that require_auth does not allow")]
    AuthNotAllowed,
    #[error(
        "the database server does not support channel binding, which channel_binding=require demands: it needs TLS, scram-sha-256 and a certificate signed with SHA-2"
    )]
    ChannelNotBound,
    #[error(
        "the database server did not prove that it knows the password, so it may be an impostor: check its address, and use sslmode=verify-full"
    )]
    ServerUnproven,
    #[error(
        "the database server cancelled the read: a time limit was reached or an administrator cancelled it; raise the limit or try again"
    )]
    CancelledByServer,
    #[error("the server has no database with that name; check the name in the URL or PGDATABASE")]
    NoDatabase,
    #[error("the database user may not read what it needs; GRANT it SELECT on the tables to export")]
    PermissionDenied,
    #[error("the database server has no free connection; try again later or raise max_connections")]
    TooManyConnections,
    #[error("the database closed the connection; check its log and try again")]
    ConnectionClosed,
    #[error("the database stopped responding; check the server and the network, then try again")]
    Stalled,
    #[error(
        "a standby server cancelled the read to catch up; export from the primary or raise max_standby_streaming_delay"
    )]
    StandbyConflict,
    #[error("the database's tables keep changing; try again when the schema changes are done")]
    SchemaUnstable,
    #[error("the database sent an invalid message; a proxy on the way may be faulty")]
    Protocol,
    #[error(
        "table {table} is locked by {program} (user {user}, process {process}); waited {seconds} seconds; try again when it is done"
    )]
    LockedBy { table: TableName, user: String, program: String, process: i32, seconds: u64 },
    #[error("a table is locked by another program; waited {seconds} seconds; try again when it is done")]
    TableLocked { seconds: u64 },
    #[error("the server is PostgreSQL {version}; Waybill needs {oldest} or newer")]
    UnsupportedVersion { version: String, oldest: i32 },
    #[error("the database rejected a query (SQLSTATE {code}: see appendix A of the PostgreSQL manual)")]
    Sqlstate {
        code: String,
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("the database refused a read")]
    Engine(#[source] Box<dyn std::error::Error + Send + Sync>),
}

pub type Result<T> = std::result::Result<T, Error>;

/// Aborts what a snapshot is doing, from any thread.
pub type InterruptHandle = Box<dyn Fn() + Send + Sync>;

/// Identifies a database among all others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceIdentity {
    /// Engine and engine-specific identifier: `sqlite:/srv/app.db`, `postgresql:7711877937184841725/app`.
    pub id: String,
    /// Identifier of a file that survives a move; `None` for a server, or if the file system has none.
    pub file_id: Option<String>,
}

/// A database to read from.
///
/// ```
/// use waybill::server::rows::Scan;
/// use waybill::server::source::sqlite::SqliteSource;
/// use waybill::server::source::{Predicate, Source};
///
/// let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("shop.db");
/// rusqlite::Connection::open(&path).unwrap().execute_batch(
///     "CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT); INSERT INTO users VALUES ('u1', 'ada@example.org')",
/// ).unwrap();
///
/// let source = SqliteSource::new(path);
/// let mut snapshot = source.open_snapshot()?;
/// let users = &snapshot.catalog()?.tables[0];
/// assert_eq!(users.name, "users");
/// assert_eq!(snapshot.count(&Scan::whole(users))?, 1);
/// let found = source.find_unique(&"users".into(), &[Predicate::equals("email", "ada@example.org")], &["id"])?;
/// assert_eq!(found, Some(vec![Some("u1".to_owned())]));
/// # Ok::<(), waybill::server::source::Error>(())
/// ```
pub trait Source: Send + Sync {
    /// The engine's name, such as "SQLite".
    fn engine(&self) -> &'static str;

    fn engine_version(&self) -> String;

    /// Returns the database's identity as the engine knows it. A physical copy of a PostgreSQL cluster has the same.
    ///
    /// # Errors
    /// When the database cannot be reached or queried.
    fn identity(&self) -> Result<SourceIdentity>;

    /// Opens one consistent view of the database. `on_handle` receives the interrupt handle as soon as the session
    /// exists, which may be long before the view does: acquiring locks can wait.
    ///
    /// # Errors
    /// When the database is missing, unreachable, locked, damaged or unsupported, or its schema keeps changing.
    fn begin_snapshot(&self, on_handle: &dyn Fn(InterruptHandle)) -> Result<Box<dyn Snapshot>>;

    /// Opens a snapshot that will not be interrupted.
    ///
    /// # Errors
    /// As `begin_snapshot`.
    fn open_snapshot(&self) -> Result<Box<dyn Snapshot>> {
        self.begin_snapshot(&|_| ())
    }

    /// Reads `columns` of the only row of `table` that matches every condition, as text. Reads outside any snapshot,
    /// so that it sees the newest committed state of an account. Returns `None` if no row or several rows match.
    ///
    /// # Errors
    /// When the table or a column does not exist or must not be used for sign-in; otherwise as `begin_snapshot`.
    fn find_unique(
        &self,
        table: &TableName,
        conditions: &[Predicate<'_>],
        columns: &[&str],
    ) -> Result<Option<Vec<Option<String>>>>;

    /// Returns whether any row of `table` matches every condition now, outside any snapshot.
    ///
    /// # Errors
    /// As `find_unique`.
    fn exists(&self, table: &TableName, conditions: &[Predicate<'_>]) -> Result<bool>;
}

/// A condition on one column: its value must be one of `any_of`.
#[derive(Clone, Debug)]
pub struct Predicate<'a> {
    pub column: &'a str,
    pub any_of: Vec<AcceptedValue<'a>>,
}

impl<'a> Predicate<'a> {
    #[must_use]
    pub fn equals(column: &'a str, value: &'a str) -> Self {
        Self { column, any_of: vec![AcceptedValue::Text(value)] }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcceptedValue<'a> {
    /// The value as the database renders it as text.
    Text(&'a str),
    Null,
    NotNull,
}

/// One consistent view of a database.
pub trait Snapshot: Send {
    /// The isolation level, as written to the file's metadata.
    fn isolation(&self) -> &'static str;

    /// Whether writers to the database have to wait while this view is open.
    fn blocks_writers(&self) -> bool;

    /// Returns the schema.
    ///
    /// # Errors
    /// When the schema cannot be read.
    fn catalog(&mut self) -> Result<Catalog>;

    /// Returns the exact number of rows that a read of the scan pushes.
    ///
    /// # Errors
    /// `NoTable` for an unknown table, or an error of the database.
    fn count(&mut self, scan: &Scan) -> Result<u64>;

    /// Pushes a sample of a few hundred rows, spread over the table.
    ///
    /// # Errors
    /// `SinkStopped` when the sink stops; `NoTable` for an unknown table, or an error of the database.
    fn sample(&mut self, scan: &Scan, sink: &mut dyn RowSink) -> Result<()>;

    /// Pushes every row once, in the order that the scan asks for.
    ///
    /// # Errors
    /// As `sample`.
    fn read_table(&mut self, scan: &Scan, sink: &mut dyn RowSink) -> Result<()>;
}

/// Most characters that a lookup reads of a value. No real name or password hash is longer; an oversized one costs
/// no memory.
const MAX_LOOKUP_CHARS: usize = 4096;
/// Reason in `UnusableForSignIn`: lookups for sign-in read tables only.
const NOT_A_TABLE: &str = "it is not a table; the owner of a view could choose who may sign in";

/// Quotes an identifier from a catalog or a profile with double quotes (ISO/IEC 9075-2, delimited identifier). Not for
/// engines that read those as a string.
fn double_quote_identifier(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}
