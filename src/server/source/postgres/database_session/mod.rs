//! One connection that runs every query in a transaction with fixed settings, and detects stalls.

mod begin;
mod server_info;
mod settings;
mod stall_monitor;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::super::{Error, Extent, InterruptHandle, Result};
use super::client::{self, ConnectConfig, Connection, Format, Row, RowChunk, ShutdownHandle};
use super::error;

use crate::server::support::sync::lock;
use server_info::ServerInfo;
use settings::begin_sql;
use stall_monitor::{Backend, StallMonitor};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
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
        let monitor = Arc::new(StallMonitor::new(config));
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
    pub fn begin_snapshot(&mut self, extent: Extent, lock_timeout: Duration) -> Result<()> {
        let (monitor, stall_timeout) = (self.monitor.clone(), self.stall_timeout);
        self.run(|connection| {
            connection.set_stall_handler(stall_timeout, Box::new(move || monitor.is_backend_active()))
        })?;
        let mode = match extent {
            Extent::WholeTables => "REPEATABLE READ READ ONLY",
            // Read-only all the same, until temporary tables are made.
            Extent::Parts => "REPEATABLE READ READ WRITE",
        };
        self.begin(mode, &[("lock_timeout", &lock_timeout.as_millis().to_string())])?;
        match extent {
            Extent::WholeTables => Ok(()),
            Extent::Parts => self.execute("SAVEPOINT waybill; SET TRANSACTION READ ONLY"),
        }
    }

    /// Begins the transaction of an import. Its triggers and constraints run long, as its queries do.
    pub fn begin_load(&mut self, lock_timeout: Duration) -> Result<()> {
        let (monitor, stall_timeout) = (self.monitor.clone(), self.stall_timeout);
        self.run(|connection| {
            connection.set_stall_handler(stall_timeout, Box::new(move || monitor.is_backend_active()))
        })?;
        let lock_timeout = lock_timeout.as_millis().to_string();
        // A client that is gone without a word must not keep the application's tables locked for hours.
        let keepalives =
            [("tcp_keepalives_idle", "30"), ("tcp_keepalives_interval", "10"), ("tcp_keepalives_count", "3")];
        let keepalives = if self.server.is_linux { &keepalives[..] } else { &[] };
        self.begin("READ COMMITTED READ WRITE", &[&[("lock_timeout", &lock_timeout[..])], keepalives].concat())?;
        self.identify_backend()
    }

    /// Runs `COPY … FROM STDIN`; its data follow.
    pub fn start_copy(&mut self, sql: &str) -> Result<()> {
        self.run_in_transaction(|connection| connection.copy_in(sql))
    }

    /// Sends data of the copy.
    pub fn send_copy_data(&mut self, bytes: &[u8]) -> Result<()> {
        let connection = self.connection.as_mut().ok_or_else(error::connection_closed)?;
        connection.copy_data(bytes).map_err(|error| self.monitor.map_error(error))
    }

    /// Ends the copy, and returns how many rows the table has taken. The server reports here what is wrong with its data.
    pub fn finish_copy(&mut self) -> Result<u64> {
        let connection = self.connection.as_mut().ok_or_else(error::connection_closed)?;
        connection.finish_copy_in().map_err(|error| self.monitor.map_error(error))
    }

    /// Ends the transaction of an import.
    pub fn commit(&mut self) -> Result<()> {
        self.execute("COMMIT")
    }

    /// Runs `operation` in a READ COMMITTED transaction, in which each statement sees the newest committed rows.
    pub fn with_transaction<T>(&mut self, operation: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.begin("READ COMMITTED READ ONLY", &[])?;
        let answer = operation(self);
        let ended = self.rollback();
        answer.and_then(|answer| ended.map(|()| answer))
    }

    /// Begins a transaction with fixed settings. Every statement of a session runs between this and `rollback`.
    fn begin(&mut self, mode: &str, extra: &[(&str, &str)]) -> Result<()> {
        let sql = begin_sql(&self.server, mode, extra);
        self.execute(&sql)
    }

    /// Ends the read-only part of a transaction for parts.
    pub fn allow_temporary_tables(&mut self) -> Result<()> {
        self.execute("RELEASE SAVEPOINT waybill")
    }

    /// From here on, only temporary tables that are there already can be changed.
    pub fn forbid_writes(&mut self) -> Result<()> {
        self.execute("SET TRANSACTION READ ONLY")
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

    /// Runs a query whose only row has the column `records`, a number.
    pub fn fetch_count(&mut self, sql: &str, values: &[&str]) -> Result<u64> {
        let rows = self.fetch(sql, values)?;
        rows.first().ok_or_else(error::invalid_message)?.parse("records").map_err(error::map_error)
    }

    /// Runs a statement that returns no rows, and returns how many rows it has changed.
    pub fn change(&mut self, sql: &str, values: &[&str]) -> Result<u64> {
        self.run_in_transaction(|connection| connection.change(sql, values))
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
            monitor.interrupt();
            if let Some(hang_up) = &*lock(&shutdown) {
                hang_up.shutdown();
            }
        })
    }
}

impl Drop for DatabaseSession {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        *lock(&self.shutdown) = None;
        if connection.is_ready() {
            connection.close();
        } else {
            connection.cancel_and_close(stall_monitor::SECOND_CONNECTION_TIMEOUT);
        }
    }
}

/// Converts the rows of a result.
pub fn parse_rows<T>(rows: &[Row], read: impl Fn(&Row) -> client::Result<T>) -> Result<Vec<T>> {
    rows.iter().map(read).collect::<client::Result<_>>().map_err(error::map_error)
}
