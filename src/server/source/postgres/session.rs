//! One connection with a runtime of its own, so that every verb can block, and a watch over silences.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, StreamExt};
use sqlx::postgres::{PgArguments, PgConnectOptions, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, Postgres, Row};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

use super::super::{Error, Interrupt, Result};
use super::{Address, fault};

const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// A second connection, to look after the first one, gets no longer.
const SECOND_WITHIN: Duration = Duration::from_secs(3);

/// What every value's text depends on, pinned; and no limit of the server's on what takes its time.
/// `5-trust`, 6. With synchronized scans a large table would begin in its middle.
const SETTINGS: &str = "SET row_security = off; SET search_path = ''; SET DateStyle = 'ISO, YMD'; \
     SET IntervalStyle = 'postgres'; SET TimeZone = 'UTC'; SET extra_float_digits = 3; SET bytea_output = 'hex'; \
     SET lc_monetary = 'C'; SET xmlbinary = 'base64'; SET standard_conforming_strings = on; \
     SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET synchronize_seqscans = off; \
     SET jit = off; SET client_min_messages = error";
/// Settings that only newer servers have, with the version that brought them.
const NEWER_SETTINGS: [(u32, &str); 2] = [
    (14, "SET idle_session_timeout = 0; SET client_connection_check_interval = 1000"),
    (17, "SET transaction_timeout = 0"),
];

/// An open connection. Dropped, it ends in the database too.
#[derive(Debug)]
pub struct Session {
    /// Both are there until the end; `drop` takes them along to a thread that may block.
    runtime: Option<Runtime>,
    connection: Option<PgConnection>,
    watch: Watch,
    version: String,
    /// A statement did not come to its end: its backend may still be at it.
    broken: bool,
}

/// Looks after a wait: ends it when told to, and finds out whether a silent server still works.
#[derive(Debug)]
struct Watch {
    options: PgConnectOptions,
    patience: Duration,
    stop: Arc<watch::Sender<bool>>,
    backend: Backend,
}

/// Names a backend for good: a process number may be used again.
#[derive(Clone, Debug, Default)]
struct Backend {
    pid: i32,
    started: String,
}

impl Session {
    /// # Errors
    /// When the server cannot be reached or refuses the user.
    pub fn open(address: &Address, patience: Duration) -> Result<Self> {
        let runtime =
            Builder::new_current_thread().enable_all().build().map_err(|error| Error::Engine(Box::new(error)))?;
        let options = address.connect_options().disable_statement_logging();
        let (connection, version, backend) = runtime.block_on(async {
            let mut connection = connect(&options, CONNECT_WITHIN).await?;
            let prepared = tokio::time::timeout(CONNECT_WITHIN, prepare(&mut connection)).await;
            let (version, backend) = prepared.map_err(|_| Error::Stalled)??;
            Ok::<_, Error>((connection, version, backend))
        })?;
        let watch = Watch { options, patience, stop: Arc::new(watch::Sender::new(false)), backend };
        Ok(Self { runtime: Some(runtime), connection: Some(connection), watch, version, broken: false })
    }

    /// Such as "15.14".
    pub fn server_version(&self) -> &str {
        &self.version
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
            let mut second = connect(&self.watch.options, SECOND_WITHIN).await?;
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

    /// A backend that waits for us while we wait for it is cut off; so is one that is gone.
    async fn look_after(&self) -> Result<()> {
        let question = "SELECT state = 'active' AND wait_event IS DISTINCT FROM 'ClientWrite' FROM pg_stat_activity \
                        WHERE pid = $1 AND CAST(extract(epoch FROM backend_start) AS text) = $2";
        let query = sqlx::query(question).bind(self.backend.pid).bind(&self.backend.started).persistent(false);
        let look = async {
            let mut second = connect(&self.options, SECOND_WITHIN).await?;
            query.fetch_optional(&mut second).await.map_err(fault::explain)
        };
        let row = tokio::time::timeout(SECOND_WITHIN, look).await.map_err(|_| Error::Stalled)?;
        let works = row.is_ok_and(|row| row.is_some_and(|row| row.try_get(0).unwrap_or(false)));
        if works { Ok(()) } else { Err(Error::Stalled) }
    }

    async fn end_backend(&self) {
        let order = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                     WHERE pid = $1 AND CAST(extract(epoch FROM backend_start) AS text) = $2";
        let query = sqlx::query(order).bind(self.backend.pid).bind(&self.backend.started).persistent(false);
        let end = async {
            let mut second = connect(&self.options, SECOND_WITHIN).await?;
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

async fn connect(options: &PgConnectOptions, within: Duration) -> Result<PgConnection> {
    let connected = tokio::time::timeout(within, PgConnection::connect_with(options)).await;
    connected.map_err(|_| Error::Unreachable)?.map_err(fault::explain_connect)
}

async fn prepare(connection: &mut PgConnection) -> Result<(String, Backend)> {
    sqlx::raw_sql(SETTINGS).execute(&mut *connection).await.map_err(fault::explain)?;
    let question = "SELECT split_part(current_setting('server_version'), ' ', 1), \
                    CAST(current_setting('server_version_num') AS integer) / 10000, pg_backend_pid(), \
                    (SELECT CAST(extract(epoch FROM backend_start) AS text) FROM pg_stat_activity WHERE pid = pg_backend_pid())";
    let row = sqlx::query(question).persistent(false).fetch_one(&mut *connection).await.map_err(fault::explain)?;
    let get = || -> sqlx::Result<_> {
        let backend = Backend { pid: row.try_get(2)?, started: row.try_get::<Option<_>, _>(3)?.unwrap_or_default() };
        Ok((row.try_get::<String, _>(0)?, row.try_get::<i32, _>(1)?, backend))
    };
    let (version, major, backend) = get().map_err(fault::explain)?;
    for (since, settings) in NEWER_SETTINGS {
        if u32::try_from(major).unwrap_or_default() >= since {
            // Not every system can check a connection; a server without that check notices later.
            let _ = sqlx::raw_sql(settings).execute(&mut *connection).await;
        }
    }
    Ok((version, backend))
}
