//! One connection that runs every query in a transaction with fixed settings, and detects stalls.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::super::{Error, InterruptHandle, Result};
use super::client::{self, ConnectConfig, Connection, Format, Row, RowChunk, ShutdownHandle};
use super::error;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Timeout of a second connection, which checks on or cancels the first.
const SECOND_CONNECTION_TIMEOUT: Duration = Duration::from_secs(3);

/// Begins a transaction in which names resolve to what PostgreSQL ships. A database's owner may create functions,
/// operators and types of the same names in other schemas, and put those ahead of `pg_catalog` in everyone's search
/// path (`docs/trust.md`, "A source is hostile"). Temporary objects come last: behind a pooler, they may belong to
/// another client.
const BEGIN_WITH_SEARCH_PATH: &str =
    "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; SET LOCAL search_path = pg_catalog, pg_temp";

/// Settings that decide how names resolve and how values are rendered as text, fixed; server time limits switched
/// off. Synchronized scans are off, since they start large tables in the middle; `constraint_exclusion` is off, so
/// that the planner never evaluates CHECK constraints. `SET LOCAL`, so that a pooled connection goes back unchanged;
/// none of them takes a snapshot.
const SETTINGS: [(&str, &str); 17] = [
    ("search_path", "pg_catalog, pg_temp"),
    ("row_security", "off"),
    ("constraint_exclusion", "off"),
    ("quote_all_identifiers", "off"),
    ("DateStyle", "'ISO, YMD'"),
    ("IntervalStyle", "'postgres'"),
    ("TimeZone", "'UTC'"),
    ("extra_float_digits", "3"),
    ("bytea_output", "'hex'"),
    ("lc_monetary", "'C'"),
    ("xmlbinary", "'base64'"),
    ("standard_conforming_strings", "on"),
    ("statement_timeout", "0"),
    ("idle_in_transaction_session_timeout", "0"),
    ("synchronize_seqscans", "off"),
    ("jit", "off"),
    ("client_min_messages", "error"),
];
/// Lets the server notice within a second that the client has disconnected. Since 14, and not on every operating
/// system: where it is unsupported, setting it is an error.
const DETECT_DISCONNECT: (&str, &str) = ("client_connection_check_interval", "1000");
/// Since 17.
const NO_TRANSACTION_TIMEOUT: (&str, &str) = ("transaction_timeout", "0");
/// Makes the server refuse a view or foreign table that has replaced a table (CVE-2024-7348). Since 17, and the minor
/// releases of August 2024.
const REFUSE_VIEWS: (&str, &str) = ("restrict_nonsystem_relation_kind", "'view, foreign-table'");
const MIN_MAJOR_VERSION: i32 = 13;

/// An open connection. Dropping it also ends the session in the database.
pub struct DatabaseSession {
    /// `Some` until `drop` takes it.
    connection: Option<Connection>,
    /// Cleared on drop, so that an outstanding `InterruptHandle` does not keep the socket open.
    shutdown: Arc<Mutex<Option<ShutdownHandle>>>,
    monitor: Arc<StallMonitor>,
    stall_timeout: Duration,
    server: ServerInfo,
    trusted_owners: Arc<[String]>,
}

/// The server's version and features.
#[derive(Debug)]
struct ServerInfo {
    /// Such as "15.14".
    version: String,
    major_version: i32,
    is_linux: bool,
    can_refuse_views: bool,
}

/// State shared with the stall callback and with interrupts from other threads.
#[derive(Debug)]
struct StallMonitor {
    config: ConnectConfig,
    is_interrupted: AtomicBool,
    /// Known inside a transaction only: behind a pooler, the next one may run on another backend.
    backend: Mutex<Option<Backend>>,
}

/// Identifies a backend uniquely: process ids are reused.
#[derive(Clone, Debug)]
struct Backend {
    pid: String,
    backend_start: String,
}

impl Backend {
    /// Returns `None` where the server hides what it knows of its own backend.
    fn from_row(row: &Row) -> client::Result<Option<Self>> {
        let (pid, started) = (row.optional_text("pid")?, row.optional_text("backend_start")?);
        Ok(pid.zip(started).map(|(pid, started)| Self { pid: pid.into(), backend_start: started.into() }))
    }
}

impl DatabaseSession {
    /// Connects, with `stall_timeout` as the stall timeout. Code owned by `trusted_owners` is accepted.
    ///
    /// # Errors
    /// When the server cannot be reached, refuses the user or is too old.
    pub fn open(config: &ConnectConfig, stall_timeout: Duration, trusted_owners: Arc<[String]>) -> Result<Self> {
        let mut connection = Connection::open(config, CONNECT_TIMEOUT).map_err(error::map_connect_error)?;
        let server = ServerInfo::fetch(&mut connection).map_err(error::map_error)?;
        if server.major_version < MIN_MAJOR_VERSION {
            return Err(error::unsupported_version(&server.version, MIN_MAJOR_VERSION));
        }
        connection.set_stall_handler(stall_timeout, Box::new(|| false)).map_err(error::map_error)?;
        let config = connection.config().clone();
        let monitor =
            Arc::new(StallMonitor { config, is_interrupted: AtomicBool::new(false), backend: Mutex::default() });
        let shutdown = Arc::new(Mutex::new(Some(connection.shutdown_handle().map_err(error::map_error)?)));
        Ok(Self { connection: Some(connection), shutdown, monitor, stall_timeout, server, trusted_owners })
    }

    /// The server's version, such as "15.14".
    pub fn server_version(&self) -> &str {
        &self.server.version
    }

    pub fn trusted_owners(&self) -> &[String] {
        &self.trusted_owners
    }

    /// Begins the transaction of an export or a preview, without taking the snapshot yet. Its queries may run long:
    /// after the stall timeout, a second connection checks whether the backend is still working.
    pub fn begin_snapshot(&mut self, lock_timeout: Duration) -> Result<()> {
        let (monitor, stall_timeout) = (self.monitor.clone(), self.stall_timeout);
        self.run(|connection| {
            connection.set_stall_handler(stall_timeout, Box::new(move || monitor.is_backend_active()))
        })?;
        self.begin("REPEATABLE READ", &[("lock_timeout", &lock_timeout.as_millis().to_string())])
    }

    /// Runs `operation` in a READ COMMITTED transaction, in which each statement sees the newest committed rows.
    pub fn with_transaction<T>(&mut self, operation: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.begin("READ COMMITTED", &[])?;
        let answer = operation(self);
        let ended = self.rollback();
        answer.and_then(|answer| ended.map(|()| answer))
    }

    /// Begins a transaction with fixed settings. Every statement of a session runs between this and `rollback`.
    fn begin(&mut self, isolation: &str, extra: &[(&str, &str)]) -> Result<()> {
        let newer = [
            (self.server.major_version >= 14 && self.server.is_linux).then_some(DETECT_DISCONNECT),
            (self.server.major_version >= 17).then_some(NO_TRANSACTION_TIMEOUT),
            self.server.can_refuse_views.then_some(REFUSE_VIEWS),
        ];
        let settings = SETTINGS.into_iter().chain(newer.into_iter().flatten()).chain(extra.iter().copied());
        let settings: Vec<String> = settings.map(|(name, value)| format!("SET LOCAL {name} = {value}")).collect();
        self.execute(&format!("BEGIN ISOLATION LEVEL {isolation} READ ONLY; {}", settings.join("; ")))
    }

    pub fn rollback(&mut self) -> Result<()> {
        *self.monitor.lock_backend() = None;
        self.execute("ROLLBACK")
    }

    /// Records which backend serves this transaction. Takes the snapshot, like any query.
    pub fn identify_backend(&mut self) -> Result<()> {
        let sql = "SELECT pid, CAST(extract(epoch FROM backend_start) * 1000000 AS bigint) AS backend_start \
                        FROM pg_stat_activity WHERE pid = pg_backend_pid()";
        let rows = self.fetch(sql, &[])?;
        let found = rows.first().map(Backend::from_row).transpose().map_err(error::map_error)?;
        *self.monitor.lock_backend() = found.flatten();
        Ok(())
    }

    /// Runs statements that return no rows.
    pub fn execute(&mut self, sql: &str) -> Result<()> {
        self.run(|connection| connection.execute(sql))
    }

    /// Runs a query with `values` for `$1`, `$2`, …, as text.
    pub fn fetch(&mut self, sql: &str, values: &[&str]) -> Result<Vec<Row>> {
        self.fetch_typed(sql, &[], values)
    }

    /// Like `fetch`, with the type OID of each value (0: the type is inferred from the statement).
    pub fn fetch_typed(&mut self, sql: &str, types: &[u32], values: &[&str]) -> Result<Vec<Row>> {
        self.run_in_transaction(|connection| connection.query_typed(sql, types, values))
    }

    /// Like `fetch`, on a new connection, while this one is stuck or its transaction aborted.
    pub fn fetch_on_second_connection(&self, sql: &str) -> Result<Vec<Row>> {
        self.monitor.query_on_second_connection(sql, &[]).map_err(error::map_error)
    }

    /// Passes the rows that `sql` selects to `on_chunk` as raw chunks, and returns how many rows the server sent. A plain
    /// query: measured, it costs the server an eighth less than a `COPY` of the same rows.
    pub fn read_rows(
        &mut self,
        sql: &str,
        formats: &[Format],
        mut on_chunk: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<u64> {
        self.run_in_transaction(|connection| connection.start_select(sql, formats))?;
        let connection = self.connection.as_mut().ok_or_else(error::connection_closed)?;
        loop {
            match connection.next_chunk() {
                Ok(RowChunk::Bytes(piece)) => on_chunk(piece)?,
                Ok(RowChunk::End(rows)) => return Ok(rows),
                Err(error) => return Err(self.monitor.map_error(error)),
            }
            // Buffered data would otherwise be processed for a while after the socket is shut down.
            if self.monitor.is_interrupted() {
                return Err(Error::interrupted());
            }
        }
    }

    /// Refuses to query outside a transaction begun by `begin`, where names could resolve to anything.
    fn run_in_transaction<T>(&mut self, work: impl FnOnce(&mut Connection) -> client::Result<T>) -> Result<T> {
        if self.connection.as_ref().is_some_and(|connection| connection.is_ready() && !connection.is_in_transaction()) {
            return Err(error::invalid_message());
        }
        self.run(work)
    }

    fn run<T>(&mut self, work: impl FnOnce(&mut Connection) -> client::Result<T>) -> Result<T> {
        let ended = if self.monitor.is_interrupted() { Error::interrupted() } else { error::connection_closed() };
        let connection = self.connection.as_mut().filter(|connection| connection.is_ready()).ok_or(ended)?;
        work(connection).map_err(|error| self.monitor.map_error(error))
    }

    pub fn interrupt_handle(&self) -> InterruptHandle {
        let (monitor, shutdown) = (self.monitor.clone(), self.shutdown.clone());
        Box::new(move || {
            monitor.is_interrupted.store(true, Ordering::Release);
            if let Some(hang_up) = &*shutdown.lock().unwrap_or_else(PoisonError::into_inner) {
                hang_up.shutdown();
            }
        })
    }
}

impl StallMonitor {
    fn is_interrupted(&self) -> bool {
        self.is_interrupted.load(Ordering::Acquire)
    }

    fn lock_backend(&self) -> std::sync::MutexGuard<'_, Option<Backend>> {
        self.backend.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Maps an error; after our own shutdown of the connection it is `Interrupted`, not a failure.
    fn map_error(&self, error: client::Error) -> Error {
        if self.is_interrupted() { Error::interrupted() } else { error::map_error(error) }
    }

    fn query_on_second_connection(&self, sql: &str, values: &[&str]) -> client::Result<Vec<Row>> {
        let mut second = Connection::open(&self.config, SECOND_CONNECTION_TIMEOUT)?;
        second.execute(BEGIN_WITH_SEARCH_PATH)?;
        let rows = second.query(sql, values)?;
        second.close();
        Ok(rows)
    }

    /// Whether to keep waiting for a silent server. Not if the backend is gone, or if it waits for us (idle, or blocked
    /// on a write) while we wait for it. A server that returns any error, even that no connection is free, is alive.
    fn is_backend_active(&self) -> bool {
        if self.is_interrupted() {
            return false;
        }
        let sql = "SELECT state IN ('active', 'disabled') AND wait_event IS DISTINCT FROM 'ClientWrite' AS is_active \
                        FROM pg_stat_activity WHERE CAST(pid AS text) = $1 \
                        AND CAST(CAST(extract(epoch FROM backend_start) * 1000000 AS bigint) AS text) = $2";
        let backend = self.lock_backend().clone();
        // Without a known backend, any answer of the server has to suffice.
        let (sql, values) = match &backend {
            Some(Backend { pid, backend_start }) => (sql, vec![pid.as_str(), backend_start]),
            None => ("SELECT true AS is_active", vec![]),
        };
        match self.query_on_second_connection(sql, &values) {
            // The backend's state may be hidden from this user (NULL).
            Ok(rows) => rows.first().is_some_and(|row| row.optional_text("is_active").is_ok_and(|is| is != Some("f"))),
            Err(client::Error::Server { .. }) => true,
            Err(_) => false,
        }
    }
}

impl Drop for DatabaseSession {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        *self.shutdown.lock().unwrap_or_else(PoisonError::into_inner) = None;
        if connection.is_ready() {
            connection.close();
        } else {
            connection.cancel_and_close(SECOND_CONNECTION_TIMEOUT);
        }
    }
}

impl ServerInfo {
    fn fetch(connection: &mut Connection) -> client::Result<Self> {
        let sql = "SELECT split_part(current_setting('server_version'), ' ', 1) AS version, \
                        CAST(current_setting('server_version_num') AS integer) / 10000 AS major_version, \
                        version() LIKE '%linux%' AS is_linux, \
                        current_setting('restrict_nonsystem_relation_kind', true) IS NOT NULL AS can_refuse_views";
        connection.execute(BEGIN_WITH_SEARCH_PATH)?;
        let rows = connection.query(sql, &[])?;
        let row = rows.first().ok_or(client::Error::Protocol)?;
        let server = Self {
            version: row.text("version")?.into(),
            major_version: row.parse("major_version")?,
            is_linux: row.is_true("is_linux")?,
            can_refuse_views: row.is_true("can_refuse_views")?,
        };
        connection.execute("ROLLBACK")?;
        Ok(server)
    }
}

/// Converts the rows of a result.
pub fn parse_rows<T>(rows: &[Row], read: impl Fn(&Row) -> client::Result<T>) -> Result<Vec<T>> {
    rows.iter().map(read).collect::<client::Result<_>>().map_err(error::map_error)
}
