//! Decides whether to keep waiting for a silent server, and knows whether the session was interrupted.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use super::super::super::Error;
use super::super::client::{self, ConnectConfig, Connection, Row};
use super::super::error;
use super::begin::BEGIN_WITH_SEARCH_PATH;
use crate::server::support::sync::lock;

/// Timeout of a second connection, which checks on or cancels the first.
pub const SECOND_CONNECTION_TIMEOUT: Duration = Duration::from_secs(3);

/// State shared with the stall callback and with interrupts from other threads.
#[derive(Debug)]
pub struct StallMonitor {
    config: ConnectConfig,
    is_interrupted: AtomicBool,
    /// Known inside a transaction only: behind a pooler, the next one may run on another backend.
    backend: Mutex<Option<Backend>>,
}

/// Identifies a backend uniquely: process ids are reused.
#[derive(Clone, Debug)]
pub struct Backend {
    pid: String,
    backend_start: String,
}

impl Backend {
    /// Returns `None` where the server hides what it knows of its own backend.
    pub fn from_row(row: &Row) -> client::Result<Option<Self>> {
        let (pid, started) = (row.optional_text("pid")?, row.optional_text("backend_start")?);
        Ok(pid.zip(started).map(|(pid, started)| Self { pid: pid.into(), backend_start: started.into() }))
    }
}

impl StallMonitor {
    /// `config` reaches this very server again.
    pub fn new(config: ConnectConfig) -> Self {
        Self { config, is_interrupted: AtomicBool::new(false), backend: Mutex::default() }
    }

    pub fn interrupt(&self) {
        self.is_interrupted.store(true, Ordering::Release);
    }

    pub fn is_interrupted(&self) -> bool {
        self.is_interrupted.load(Ordering::Acquire)
    }

    pub fn lock_backend(&self) -> MutexGuard<'_, Option<Backend>> {
        lock(&self.backend)
    }

    /// Maps an error; after our own shutdown of the connection it is `Interrupted`, not a failure.
    pub fn map_error(&self, error: client::Error) -> Error {
        if self.is_interrupted() { Error::interrupted() } else { error::map_error(error) }
    }

    pub fn query_on_second_connection(&self, sql: &str, values: &[&str]) -> client::Result<Vec<Row>> {
        let mut second = Connection::open(&self.config, SECOND_CONNECTION_TIMEOUT)?;
        second.execute(BEGIN_WITH_SEARCH_PATH)?;
        let rows = second.query(sql, values)?;
        second.close();
        Ok(rows)
    }

    /// Whether to keep waiting for a silent server. Not if the backend is gone, or if it waits for us (idle, or blocked
    /// on a write) while we wait for it. A server that returns any error, even that no connection is free, is alive.
    pub fn is_backend_active(&self) -> bool {
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
