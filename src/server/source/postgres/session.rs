//! One connection that runs every query in a transaction with fixed settings, and detects stalls.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::super::{Error, Interrupt, Result};
use super::client::{self, Address, Connection, Format, HangUp, Row, Selected};
use super::fault;

const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// Timeout of a second connection, which checks on or cancels the first.
const SECOND_WITHIN: Duration = Duration::from_secs(3);

/// Begins a transaction in which names resolve to what PostgreSQL ships. A database's owner may create functions,
/// operators and types of the same names in other schemas, and put those ahead of `pg_catalog` in everyone's search
/// path (`docs/trust.md`, "A source is hostile"). Temporary objects come last: behind a pooler, they may belong to
/// another client.
const BEGIN_PINNED: &str =
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
const NOTICE_A_LOST_CLIENT: (&str, &str) = ("client_connection_check_interval", "1000");
/// Since 17.
const NO_LIMIT: (&str, &str) = ("transaction_timeout", "0");
/// Makes the server refuse a view or foreign table that has replaced a table (CVE-2024-7348). Since 17, and the minor
/// releases of August 2024.
const TABLES_ONLY: (&str, &str) = ("restrict_nonsystem_relation_kind", "'view, foreign-table'");
const OLDEST: i32 = 13;

/// An open connection. Dropping it also ends the session in the database.
pub struct Session {
    /// `Some` until `drop` takes it.
    connection: Option<Connection>,
    /// Cleared on drop, so that an outstanding `Interrupt` does not keep the socket open.
    hang_up: Arc<Mutex<Option<HangUp>>>,
    watch: Arc<Watch>,
    patience: Duration,
    server: Server,
    trusted_owners: Arc<[String]>,
}

/// The server's version and features.
#[derive(Debug)]
struct Server {
    /// Such as "15.14".
    version: String,
    major: i32,
    is_linux: bool,
    can_refuse_views: bool,
}

/// State shared with the stall callback and with interrupts from other threads.
#[derive(Debug)]
struct Watch {
    address: Address,
    is_stopped: AtomicBool,
    /// Known inside a transaction only: behind a pooler, the next one may run on another backend.
    backend: Mutex<Option<Backend>>,
}

/// Identifies a backend uniquely: process ids are reused.
#[derive(Clone, Debug)]
struct Backend {
    pid: String,
    started: String,
}

impl Session {
    /// Connects, with `patience` as the stall timeout. Code owned by `trusted_owners` is accepted.
    ///
    /// # Errors
    /// When the server cannot be reached, refuses the user or is too old.
    pub fn open(address: &Address, patience: Duration, trusted_owners: Arc<[String]>) -> Result<Self> {
        let mut connection = Connection::open(address, CONNECT_WITHIN).map_err(fault::explain_connect)?;
        let server = Server::ask(&mut connection).map_err(fault::explain)?;
        if server.major < OLDEST {
            return Err(Error::TooOld { version: server.version, oldest: OLDEST });
        }
        connection.watch(patience, Box::new(|| false)).map_err(fault::explain)?;
        let address = connection.address().clone();
        let watch = Arc::new(Watch { address, is_stopped: AtomicBool::new(false), backend: Mutex::default() });
        let hang_up = Arc::new(Mutex::new(Some(connection.hang_up().map_err(fault::explain)?)));
        Ok(Self { connection: Some(connection), hang_up, watch, patience, server, trusted_owners })
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
        let (watching, patience) = (self.watch.clone(), self.patience);
        self.run(|connection| connection.watch(patience, Box::new(move || watching.is_at_work())))?;
        self.begin("REPEATABLE READ", &[("lock_timeout", &lock_timeout.as_millis().to_string())])
    }

    /// Runs `question` in a READ COMMITTED transaction, in which each statement sees the newest committed rows.
    pub fn look_up<T>(&mut self, question: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.begin("READ COMMITTED", &[])?;
        let answer = question(self);
        let ended = self.rollback();
        answer.and_then(|answer| ended.map(|()| answer))
    }

    /// Begins a transaction with fixed settings. Every statement of a session runs between this and `rollback`.
    fn begin(&mut self, isolation: &str, more: &[(&str, &str)]) -> Result<()> {
        let newer = [
            (self.server.major >= 14 && self.server.is_linux).then_some(NOTICE_A_LOST_CLIENT),
            (self.server.major >= 17).then_some(NO_LIMIT),
            self.server.can_refuse_views.then_some(TABLES_ONLY),
        ];
        let settings = SETTINGS.into_iter().chain(newer.into_iter().flatten()).chain(more.iter().copied());
        let settings: Vec<String> = settings.map(|(name, value)| format!("SET LOCAL {name} = {value}")).collect();
        self.execute(&format!("BEGIN ISOLATION LEVEL {isolation} READ ONLY; {}", settings.join("; ")))
    }

    pub fn rollback(&mut self) -> Result<()> {
        *self.watch.backend() = None;
        self.execute("ROLLBACK")
    }

    /// Records which backend serves this transaction. Takes the snapshot, like any query.
    pub fn identify(&mut self) -> Result<()> {
        let question = "SELECT pid, CAST(extract(epoch FROM backend_start) * 1000000 AS bigint) \
                        FROM pg_stat_activity WHERE pid = pg_backend_pid()";
        let rows = self.fetch(question, &[])?;
        let known = rows.first().and_then(|row| Some((row.maybe(0)?, row.maybe(1)?)));
        *self.watch.backend() = known.map(|(pid, started)| Backend { pid: pid.into(), started: started.into() });
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
        self.run_pinned(|connection| connection.query_typed(sql, types, values))
    }

    /// Like `fetch`, on a new connection, while this one is stuck or its transaction aborted.
    pub fn fetch_beside(&self, sql: &str) -> Result<Vec<Row>> {
        self.watch.ask(sql, &[]).map_err(fault::explain)
    }

    /// Passes the rows that `sql` selects to `take` as raw chunks, and returns how many rows the server sent. A plain
    /// query: measured, it costs the server an eighth less than a `COPY` of the same rows.
    pub fn read(&mut self, sql: &str, formats: &[Format], mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<u64> {
        self.run_pinned(|connection| connection.select(sql, formats))?;
        let connection = self.connection.as_mut().ok_or(Error::Closed)?;
        loop {
            match connection.read() {
                Ok(Selected::Bytes(piece)) => take(piece)?,
                Ok(Selected::End(rows)) => return Ok(rows),
                Err(error) => return Err(self.watch.explain(error)),
            }
            // Buffered data would otherwise be processed for a while after the socket is shut down.
            if self.watch.is_stopped() {
                return Err(Error::Interrupted);
            }
        }
    }

    /// Refuses to query outside a transaction begun by `begin`, where names could resolve to anything.
    fn run_pinned<T>(&mut self, work: impl FnOnce(&mut Connection) -> client::Result<T>) -> Result<T> {
        if self.connection.as_ref().is_some_and(|connection| connection.is_ready() && !connection.is_in_transaction()) {
            return Err(Error::Protocol);
        }
        self.run(work)
    }

    fn run<T>(&mut self, work: impl FnOnce(&mut Connection) -> client::Result<T>) -> Result<T> {
        let ended = if self.watch.is_stopped() { Error::Interrupted } else { Error::Closed };
        let connection = self.connection.as_mut().filter(|connection| connection.is_ready()).ok_or(ended)?;
        work(connection).map_err(|error| self.watch.explain(error))
    }

    pub fn interrupt(&self) -> Interrupt {
        let (watch, hang_up) = (self.watch.clone(), self.hang_up.clone());
        Box::new(move || {
            watch.is_stopped.store(true, Ordering::Release);
            if let Some(hang_up) = &*hang_up.lock().unwrap_or_else(PoisonError::into_inner) {
                hang_up.now();
            }
        })
    }
}

impl Watch {
    fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Acquire)
    }

    fn backend(&self) -> std::sync::MutexGuard<'_, Option<Backend>> {
        self.backend.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Maps an error; after our own shutdown of the connection it is `Interrupted`, not a failure.
    fn explain(&self, error: client::Error) -> Error {
        if self.is_stopped() { Error::Interrupted } else { fault::explain(error) }
    }

    fn ask(&self, sql: &str, values: &[&str]) -> client::Result<Vec<Row>> {
        let mut second = Connection::open(&self.address, SECOND_WITHIN)?;
        second.execute(BEGIN_PINNED)?;
        let rows = second.query(sql, values)?;
        second.close();
        Ok(rows)
    }

    /// Whether to keep waiting for a silent server. Not if the backend is gone, or if it waits for us (idle, or blocked
    /// on a write) while we wait for it. A server that returns any error, even that no connection is free, is alive.
    fn is_at_work(&self) -> bool {
        if self.is_stopped() {
            return false;
        }
        let question = "SELECT state IN ('active', 'disabled') AND wait_event IS DISTINCT FROM 'ClientWrite' \
                        FROM pg_stat_activity WHERE CAST(pid AS text) = $1 \
                        AND CAST(CAST(extract(epoch FROM backend_start) * 1000000 AS bigint) AS text) = $2";
        let backend = self.backend().clone();
        // Without a known backend, any answer of the server has to suffice.
        let (question, values) = match &backend {
            Some(Backend { pid, started }) => (question, vec![pid.as_str(), started]),
            None => ("SELECT true", vec![]),
        };
        match self.ask(question, &values) {
            // The backend's state may be hidden from this user (NULL).
            Ok(rows) => rows.first().is_some_and(|row| row.maybe(0) != Some("f")),
            Err(client::Error::Server { .. }) => true,
            Err(_) => false,
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        *self.hang_up.lock().unwrap_or_else(PoisonError::into_inner) = None;
        if connection.is_ready() {
            connection.close();
        } else {
            connection.abandon(SECOND_WITHIN);
        }
    }
}

impl Server {
    fn ask(connection: &mut Connection) -> client::Result<Self> {
        let question = "SELECT split_part(current_setting('server_version'), ' ', 1), \
                        CAST(current_setting('server_version_num') AS integer) / 10000, version() LIKE '%linux%', \
                        current_setting('restrict_nonsystem_relation_kind', true) IS NOT NULL";
        connection.execute(BEGIN_PINNED)?;
        let rows = connection.query(question, &[])?;
        let row = rows.first().ok_or(client::Error::Protocol)?;
        let server = Self {
            version: row.text(0)?.into(),
            major: row.parse(1)?,
            is_linux: row.is_true(2)?,
            can_refuse_views: row.is_true(3)?,
        };
        connection.execute("ROLLBACK")?;
        Ok(server)
    }
}
