//! One connection with its settings pinned, and a watch over its silences.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::super::{Error, Interrupt, Result};
use super::client::{self, Address, Connection, Format, HangUp, Row, Selected};
use super::fault;

const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// A second connection, to look after the first one, gets no longer.
const SECOND_WITHIN: Duration = Duration::from_secs(3);

/// What every value's text depends on, pinned; and no limit of the server's on what takes its time
/// (`5-trust`, 6). With synchronized scans a large table would begin in its middle. Inside the
/// transaction, so that behind a pooler nobody else gets a connection that is set like this; none of
/// them takes a snapshot.
const SETTINGS: [(&str, &str); 15] = [
    ("row_security", "off"),
    ("search_path", "''"),
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
/// Lets a server notice within a second that nobody waits for its answer any more. Since 14, and not on
/// every system: where it is not known, setting it is an error.
const NOTICE_A_LOST_CLIENT: (&str, &str) = ("client_connection_check_interval", "1000");
/// Since 17.
const NO_LIMIT: (&str, &str) = ("transaction_timeout", "0");
const OLDEST: i32 = 13;

/// An open connection. Dropped, it ends in the database too.
pub struct Session {
    /// There until the end; `drop` takes it.
    connection: Option<Connection>,
    /// Gone with the session: whoever may still interrupt it must not keep the socket open.
    hang_up: Arc<Mutex<Option<HangUp>>>,
    watch: Arc<Watch>,
    patience: Duration,
    server: Server,
}

/// What is at the other end.
#[derive(Debug)]
struct Server {
    /// Such as "15.14".
    version: String,
    major: i32,
    is_linux: bool,
}

/// What others than the thread that waits may look at.
#[derive(Debug)]
struct Watch {
    address: Address,
    is_stopped: AtomicBool,
    /// Known inside a transaction only: behind a pooler, another backend may serve the next one.
    backend: Mutex<Option<Backend>>,
}

/// Names a backend for good: a process number may be used again.
#[derive(Clone, Debug)]
struct Backend {
    pid: String,
    started: String,
}

impl Session {
    /// A session whose questions are answered within `patience`, or not at all.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses the user.
    pub fn open(address: &Address, patience: Duration) -> Result<Self> {
        let mut connection = Connection::open(address, CONNECT_WITHIN).map_err(fault::explain_connect)?;
        let server = Server::ask(&mut connection).map_err(fault::explain)?;
        if server.major < OLDEST {
            return Err(Error::TooOld { version: server.version, oldest: OLDEST });
        }
        connection.watch(patience, Box::new(|| false)).map_err(fault::explain)?;
        let address = connection.address().clone();
        let watch = Arc::new(Watch { address, is_stopped: AtomicBool::new(false), backend: Mutex::default() });
        let hang_up = Arc::new(Mutex::new(Some(connection.hang_up().map_err(fault::explain)?)));
        Ok(Self { connection: Some(connection), hang_up, watch, patience, server })
    }

    /// Such as "15.14".
    pub fn server_version(&self) -> &str {
        &self.server.version
    }

    /// Begins the transaction that everything is read in, with its settings. Takes no snapshot yet. What is
    /// asked in it may take its time: a silence is looked into.
    pub fn begin(&mut self, lock_timeout: Duration) -> Result<()> {
        let (watching, patience) = (self.watch.clone(), self.patience);
        self.run(|connection| connection.watch(patience, Box::new(move || watching.is_at_work())))?;
        let newer = [
            (self.server.major >= 14 && self.server.is_linux).then_some(NOTICE_A_LOST_CLIENT),
            (self.server.major >= 17).then_some(NO_LIMIT),
        ];
        let settings = SETTINGS.into_iter().chain(newer.into_iter().flatten());
        let lock_timeout = lock_timeout.as_millis().to_string();
        let settings = settings.chain([("lock_timeout", lock_timeout.as_str())]);
        let settings: Vec<String> = settings.map(|(name, value)| format!("SET LOCAL {name} = {value}")).collect();
        self.execute(&format!("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {}", settings.join("; ")))
    }

    pub fn rollback(&mut self) -> Result<()> {
        *self.watch.backend() = None;
        self.execute("ROLLBACK")
    }

    /// Finds out which backend serves this transaction. Takes the snapshot, like any query.
    pub fn identify(&mut self) -> Result<()> {
        let question = "SELECT pid, CAST(extract(epoch FROM backend_start) * 1000000 AS bigint) \
                        FROM pg_stat_activity WHERE pid = pg_backend_pid()";
        let rows = self.fetch(question, &[])?;
        let known = rows.first().and_then(|row| Some((row.maybe(0)?, row.maybe(1)?)));
        *self.watch.backend() = known.map(|(pid, started)| Backend { pid: pid.into(), started: started.into() });
        Ok(())
    }

    /// Runs statements that answer nothing.
    pub fn execute(&mut self, sql: &str) -> Result<()> {
        self.run(|connection| connection.execute(sql))
    }

    /// Asks with `values` for `$1`, `$2`, …, as texts.
    pub fn fetch(&mut self, sql: &str, values: &[&str]) -> Result<Vec<Row>> {
        self.run(|connection| connection.query(sql, values))
    }

    /// The same on a fresh connection, while this one is stuck or in an aborted transaction.
    pub fn fetch_beside(&self, sql: &str) -> Result<Vec<Row>> {
        self.watch.ask(sql, &[]).map_err(fault::explain)
    }

    /// Gives every piece of the rows that `sql` selects to `take`, and then says how many rows the server
    /// sent. A plain query: measured, a server spends an eighth less on it than on a `COPY` of the same rows.
    pub fn read(&mut self, sql: &str, formats: &[Format], mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<u64> {
        self.run(|connection| connection.select(sql, formats))?;
        let connection = self.connection.as_mut().ok_or(Error::Closed)?;
        loop {
            match connection.read() {
                Ok(Selected::Bytes(piece)) => take(piece)?,
                Ok(Selected::End(rows)) => return Ok(rows),
                Err(error) => return Err(self.watch.explain(error)),
            }
            // What has arrived already would go on for a while after the connection was hung up.
            if self.watch.is_stopped() {
                return Err(Error::Interrupted);
            }
        }
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

    /// A connection that we hung up ourselves did not fail.
    fn explain(&self, error: client::Error) -> Error {
        if self.is_stopped() { Error::Interrupted } else { fault::explain(error) }
    }

    fn ask(&self, sql: &str, values: &[&str]) -> client::Result<Vec<Row>> {
        let mut second = Connection::open(&self.address, SECOND_WITHIN)?;
        let rows = second.query(sql, values)?;
        second.close();
        Ok(rows)
    }

    /// Whether a silent server is worth waiting for. A backend that waits for us while we wait for it is
    /// cut off; so is one that is gone. A server that says anything else, be it that it has no connection
    /// free, is alive.
    fn is_at_work(&self) -> bool {
        if self.is_stopped() {
            return false;
        }
        let question = "SELECT state IN ('active', 'disabled') AND wait_event IS DISTINCT FROM 'ClientWrite' \
                        FROM pg_stat_activity WHERE CAST(pid AS text) = $1 \
                        AND CAST(CAST(extract(epoch FROM backend_start) * 1000000 AS bigint) AS text) = $2";
        let backend = self.backend().clone();
        // Where we do not know our backend, that the server answers must do.
        let (question, values) = match &backend {
            Some(Backend { pid, started }) => (question, vec![pid.as_str(), started]),
            None => ("SELECT true", vec![]),
        };
        match self.ask(question, &values) {
            // What it does may be hidden from us.
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
                        CAST(current_setting('server_version_num') AS integer) / 10000, version() LIKE '%linux%'";
        let rows = connection.query(question, &[])?;
        let row = rows.first().ok_or(client::Error::Protocol)?;
        Ok(Self { version: row.text(0)?.into(), major: row.parse(1)?, is_linux: row.is_true(2)? })
    }
}
