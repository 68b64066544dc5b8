//! One connection with a runtime of its own, so that every verb can block, and a watch over silences.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, StreamExt};
use sqlx::postgres::{PgArguments, PgConnectOptions, PgRow, PgSslMode};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, Postgres, Row};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

use super::super::{Error, Interrupt, Result};
use super::{Address, fault};

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
#[derive(Debug)]
pub struct Session {
    /// Both are there until the end; `drop` takes them along to a thread that may block.
    runtime: Option<Runtime>,
    connection: Option<PgConnection>,
    watch: Watch,
    server: Server,
    /// A statement did not come to its end: its backend may still be at it.
    broken: bool,
}

/// What is at the other end.
#[derive(Debug)]
struct Server {
    /// Such as "15.14".
    version: String,
    major: i32,
    is_linux: bool,
}

/// Looks after a wait: ends it when told to, and finds out whether a silent server still works.
#[derive(Debug)]
struct Watch {
    address: Address,
    patience: Duration,
    stop: Arc<watch::Sender<bool>>,
    /// Known inside a transaction only: behind a pooler, another backend may serve the next one.
    backend: Option<Backend>,
}

/// Names a backend for good: a process number may be used again.
#[derive(Clone, Debug, Default)]
struct Backend {
    pid: i32,
    started: Option<String>,
}

impl Session {
    /// # Errors
    /// When the server cannot be reached or refuses the user.
    pub fn open(address: &Address, patience: Duration) -> Result<Self> {
        let runtime =
            Builder::new_current_thread().enable_all().build().map_err(|error| Error::Engine(Box::new(error)))?;
        let (connection, server) = runtime.block_on(async {
            let mut connection = connect(address, CONNECT_WITHIN).await?;
            let asked = tokio::time::timeout(CONNECT_WITHIN, Server::ask(&mut connection)).await;
            let server = asked.map_err(|_| Error::Stalled)??;
            Ok::<_, Error>((connection, server))
        })?;
        if server.major < OLDEST {
            return Err(Error::TooOld { version: server.version, oldest: OLDEST });
        }
        let stop = Arc::new(watch::Sender::new(false));
        let watch = Watch { address: address.clone(), patience, stop, backend: None };
        Ok(Self { runtime: Some(runtime), connection: Some(connection), watch, server, broken: false })
    }

    /// Such as "15.14".
    pub fn server_version(&self) -> &str {
        &self.server.version
    }

    /// Begins the transaction that everything is read in, with its settings. Takes no snapshot yet.
    pub fn begin(&mut self, lock_timeout: Duration) -> Result<()> {
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
        self.watch.backend = None;
        self.execute("ROLLBACK")
    }

    /// Finds out which backend serves this transaction. Takes the snapshot, like any query.
    pub fn identify(&mut self) -> Result<()> {
        let question = "SELECT pid, CAST(extract(epoch FROM backend_start) AS text) FROM pg_stat_activity \
                        WHERE pid = pg_backend_pid()";
        let rows = self.fetch(sqlx::query(question).persistent(false))?;
        let read = |row: &PgRow| Ok(Backend { pid: row.try_get(0)?, started: row.try_get::<Option<_>, _>(1)? });
        self.watch.backend = rows.first().map(read).transpose().map_err(fault::explain)?;
        Ok(())
    }

    /// Runs statements that answer nothing.
    pub fn execute(&mut self, sql: &str) -> Result<()> {
        let sql = AssertSqlSafe(sql.to_owned());
        self.run(async |connection| sqlx::raw_sql(sql).execute(connection).await.map(drop))
    }

    pub fn fetch(&mut self, query: Query<'_, Postgres, PgArguments>) -> Result<Vec<PgRow>> {
        self.run(async |connection| query.fetch_all(connection).await)
    }

    /// The same on a fresh connection, while this one is stuck or in an aborted transaction.
    pub fn fetch_beside(&self, query: Query<'_, Postgres, PgArguments>) -> Result<Vec<PgRow>> {
        let beside = async {
            let mut second = connect(&self.watch.address, SECOND_WITHIN).await?;
            let rows = query.fetch_all(&mut second).await.map_err(fault::explain)?;
            second.close().await.map_err(fault::explain)?;
            Ok(rows)
        };
        let runtime = self.runtime.as_ref().ok_or(Error::Closed)?;
        let rows = runtime.block_on(async { tokio::time::timeout(SECOND_WITHIN, beside).await });
        rows.map_err(|_| Error::Stalled)?
    }

    /// Runs a `COPY … TO STDOUT` and gives every piece of its output to `take`.
    pub fn copy_out(&mut self, sql: &str, mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let connection = self.connection.as_mut().filter(|_| !self.broken).ok_or(Error::Closed)?;
        // A copy that is left in its middle leaves the connection between two messages.
        self.broken = true;
        let (watch, runtime) = (&self.watch, self.runtime.as_ref().ok_or(Error::Closed)?);
        runtime.block_on(async {
            let mut pieces = watch.over(connection.copy_out_raw(sql)).await?.map_err(fault::explain)?;
            loop {
                // Only a piece that has not arrived yet is waited for under watch.
                let piece = match pieces.next().now_or_never() {
                    Some(piece) => piece,
                    None => watch.over(pieces.next()).await?,
                };
                match piece {
                    Some(piece) => take(&piece.map_err(fault::explain)?)?,
                    None => return Ok(()),
                }
                if watch.is_stopped() {
                    return Err(Error::Interrupted);
                }
            }
        })?;
        self.broken = false;
        Ok(())
    }

    fn run<T>(&mut self, work: impl AsyncFnOnce(&mut PgConnection) -> sqlx::Result<T>) -> Result<T> {
        let connection = self.connection.as_mut().filter(|_| !self.broken).ok_or(Error::Closed)?;
        self.broken = true;
        let runtime = self.runtime.as_ref().ok_or(Error::Closed)?;
        let done = runtime.block_on(self.watch.over(work(connection)))?;
        // After an error that the server itself reported, the connection is in order.
        self.broken = matches!(&done, Err(error) if error.as_database_error().is_none());
        done.map_err(fault::explain)
    }

    pub fn interrupt(&self) -> Interrupt {
        let stop = self.watch.stop.clone();
        Box::new(move || {
            stop.send_replace(true);
        })
    }
}

impl Watch {
    /// Waits for `work`. Told to stop, it gives up; after every long silence it looks whether the
    /// server is still at it.
    async fn over<F: Future>(&self, work: F) -> Result<F::Output> {
        let mut stop = self.stop.subscribe();
        tokio::pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return Ok(done),
                _ = stop.wait_for(|stop| *stop) => return Err(Error::Interrupted),
                () = tokio::time::sleep(self.patience) => self.look_after().await?,
            }
        }
    }

    fn is_stopped(&self) -> bool {
        *self.stop.borrow()
    }

    /// A backend that waits for us while we wait for it is cut off; so is one that is gone. A server that
    /// says anything else, be it that it has no connection free, is alive.
    async fn look_after(&self) -> Result<()> {
        let question = "SELECT state IN ('active', 'disabled') AND wait_event IS DISTINCT FROM 'ClientWrite' \
                        FROM pg_stat_activity WHERE pid = $1 AND CAST(extract(epoch FROM backend_start) AS text) = $2";
        let look = async {
            let mut second = connect(&self.address, SECOND_WITHIN).await?;
            let Some(Backend { pid, started }) = &self.backend else { return Ok(true) };
            let query = sqlx::query(question).bind(pid).bind(started).persistent(false);
            let row = query.fetch_optional(&mut second).await.map_err(fault::explain)?;
            Ok(row.is_some_and(|row| row.try_get(0).unwrap_or(true)))
        };
        match tokio::time::timeout(SECOND_WITHIN, look).await {
            Err(_) | Ok(Ok(false) | Err(Error::Unreachable | Error::Closed)) => Err(Error::Stalled),
            Ok(Ok(true) | Err(_)) => Ok(()),
        }
    }

    /// Ends our own backend, if it is known which one that is.
    async fn end_backend(&self) {
        let Some(Backend { pid, started }) = &self.backend else { return };
        let order = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1 \
                     AND CAST(extract(epoch FROM backend_start) AS text) = $2 AND usename = current_user";
        let query = sqlx::query(order).bind(pid).bind(started).persistent(false);
        let end = async {
            let mut second = connect(&self.address, SECOND_WITHIN).await?;
            query.fetch_all(&mut second).await.map_err(fault::explain)?;
            second.close().await.map_err(fault::explain)
        };
        // Best effort: a server that cannot be asked will notice by itself that nobody listens.
        let _ = tokio::time::timeout(SECOND_WITHIN, end).await;
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let (Some(runtime), Some(connection)) = (self.runtime.take(), self.connection.take()) else { return };
        let (watch, broken) = (&self.watch, self.broken);
        let end = move || {
            if broken {
                drop(connection);
                runtime.block_on(watch.end_backend());
            } else {
                let _ = runtime.block_on(async { tokio::time::timeout(SECOND_WITHIN, connection.close()).await });
            }
        };
        // Whoever drops this may be driving other tasks, and may not block.
        std::thread::scope(|scope| drop(scope.spawn(end).join()));
    }
}

async fn connect(address: &Address, within: Duration) -> Result<PgConnection> {
    let options = address.connect_options().disable_statement_logging();
    let connect = async |options: &PgConnectOptions| {
        let connected = tokio::time::timeout(within, PgConnection::connect_with(options)).await;
        connected.map_err(|_| Error::Unreachable)?.map_err(fault::explain_connect)
    };
    match connect(&options).await {
        // libpq's "allow": TLS when the server wants it. The client would never try.
        Err(Error::SignInRefused) if matches!(options.get_ssl_mode(), PgSslMode::Allow) => {
            connect(&options.ssl_mode(PgSslMode::Require)).await
        }
        connected => connected,
    }
}

impl Server {
    async fn ask(connection: &mut PgConnection) -> Result<Self> {
        let question = "SELECT split_part(current_setting('server_version'), ' ', 1), \
                        CAST(current_setting('server_version_num') AS integer) / 10000, version() LIKE '%linux%'";
        let row = sqlx::query(question).persistent(false).fetch_one(connection).await.map_err(fault::explain)?;
        let read = || Ok(Self { version: row.try_get(0)?, major: row.try_get(1)?, is_linux: row.try_get(2)? });
        read().map_err(fault::explain)
    }
}
