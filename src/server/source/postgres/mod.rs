//! PostgreSQL: rows read over a dedicated connection and decoded here.
//!
//! Flow: `client` speaks the wire protocol. `DatabaseSession` is one connection that runs every query in a read-only
//! transaction with search path and settings fixed. `PostgresSnapshot` locks every table, then takes its snapshot.
//! `reader` splits rows and `decode` turns the common types into values. `lookup` reads accounts for sign-in.
//! `untrusted_code` finds tables whose planning could run someone else's code. `target` writes: imports and their undo.

mod catalog;
pub mod client;
mod complements;
mod condition;
mod cursor;
mod database_session;
mod decode;
mod error;
mod key_sets;
mod lookup;
mod places;
mod reader;
mod row_key;
mod search_paths;
mod snapshot;
mod statistics;
mod steps;
mod target;
mod untrusted_code;
mod values_within;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::{
    ChoiceQuery, Choices, Error, Extent, InterruptHandle, Kind, Predicate, Result, Snapshot, Source, SourceIdentity,
    double_quote_identifier,
};
use crate::model::name::TableName;
use crate::server::support::sync::lock;
pub use client::ConnectConfig;
use database_session::DatabaseSession;
use snapshot::PostgresSnapshot;
pub use target::PostgresTarget;

/// Stall timeout: after this silence, a second connection checks the backend.
const STALL_TIMEOUT: Duration = Duration::from_secs(20);
/// Stall timeout of a lookup. One that fails on an idle connection is retried once on a new one.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(3);
/// Idle connections older than this are closed instead of reused.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// Most idle connections kept for lookups.
const MAX_IDLE: usize = 4;
/// How long to wait for another session's table lock.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);

/// As files name it.
const ENGINE: &str = "PostgreSQL";

/// A PostgreSQL database.
pub struct PostgresSource {
    config: ConnectConfig,
    trusted_owners: Arc<[String]>,
    stall_timeout: Duration,
    lock_timeout: Duration,
    /// As reported by the newest connection.
    version: Mutex<String>,
    /// Idle connections for lookups, each with the time it became idle; when all are in use, another is opened.
    /// `server::identity` limits how many lookups run at once.
    idle: Mutex<Vec<(Instant, DatabaseSession)>>,
}

impl PostgresSource {
    /// Connects once, to check that the server can be used and which version it is. Tables whose owners could run
    /// code with the connected user's privileges are refused, unless the owner is among `trusted_owners`
    /// (`docs/trust.md`).
    ///
    /// # Errors
    /// When the server cannot be reached, refuses the user or is too old.
    pub fn connect(config: ConnectConfig, trusted_owners: &[String]) -> Result<Self> {
        let trusted_owners: Arc<[String]> = trusted_owners.into();
        let session = DatabaseSession::open(&config, LOOKUP_TIMEOUT, trusted_owners.clone())?;
        let version = Mutex::new(session.server_version().to_owned());
        let idle = Mutex::new(vec![(Instant::now(), session)]);
        Ok(Self { config, trusted_owners, stall_timeout: STALL_TIMEOUT, lock_timeout: LOCK_TIMEOUT, version, idle })
    }

    /// Replaces the built-in timeouts.
    #[must_use]
    pub fn with_timeouts(mut self, stall_timeout: Duration, lock_timeout: Duration) -> Self {
        (self.stall_timeout, self.lock_timeout) = (stall_timeout, lock_timeout);
        self
    }

    fn open_session(&self, stall_timeout: Duration) -> Result<DatabaseSession> {
        let session = DatabaseSession::open(&self.config, stall_timeout, self.trusted_owners.clone())?;
        session.server_version().clone_into(&mut lock(&self.version));
        Ok(session)
    }

    /// Runs `operation` on an idle connection. If that fails for any reason (the server may have closed it meanwhile),
    /// runs it once more on a new one.
    fn with_pooled_session<T>(&self, operation: impl Fn(&mut DatabaseSession) -> Result<T>) -> Result<T> {
        if let Some(mut session) = self.take_idle()
            && let Ok(answer) = operation(&mut session)
        {
            self.release(session);
            return Ok(answer);
        }
        let mut session = self.open_session(LOOKUP_TIMEOUT.min(self.stall_timeout))?;
        let answer = operation(&mut session)?;
        self.release(session);
        Ok(answer)
    }

    /// Takes the most recently used connection and closes expired ones: a firewall in between may drop a connection
    /// that is idle for long without notifying either end.
    fn take_idle(&self) -> Option<DatabaseSession> {
        let mut idle = lock(&self.idle);
        let (expired, mut reusable): (Vec<_>, Vec<_>) =
            idle.drain(..).partition(|(since, _)| since.elapsed() >= IDLE_TIMEOUT);
        let newest = reusable.pop();
        *idle = reusable;
        // Closing takes a while; do not hold the lock meanwhile.
        drop(idle);
        drop(expired);
        newest.map(|(_, session)| session)
    }

    fn release(&self, session: DatabaseSession) {
        let mut idle = lock(&self.idle);
        if idle.len() < MAX_IDLE {
            idle.push((Instant::now(), session));
        } else {
            drop(idle);
            drop(session);
        }
    }
}

impl Source for PostgresSource {
    fn engine(&self) -> &'static str {
        ENGINE
    }

    fn engine_version(&self) -> String {
        lock(&self.version).clone()
    }

    fn identity(&self) -> Result<SourceIdentity> {
        let id = match self.with_pooled_session(|session| session.with_transaction(lookup::identity)) {
            // Some hosting providers do not let users read the cluster's identifier.
            Err(Error { kind: Kind::PermissionDenied, .. }) => format!("postgresql:{}", self.config),
            identity => identity?,
        };
        Ok(SourceIdentity { id, file_id: None })
    }

    fn begin_snapshot(&self, extent: Extent, on_handle: &dyn Fn(InterruptHandle)) -> Result<Box<dyn Snapshot>> {
        let session = self.open_session(self.stall_timeout)?;
        on_handle(session.interrupt_handle());
        Ok(Box::new(PostgresSnapshot::begin(session, extent, self.lock_timeout)?))
    }

    fn find_unique(
        &self,
        table: &TableName,
        conditions: &[Predicate<'_>],
        columns: &[&str],
    ) -> Result<Option<Vec<Option<String>>>> {
        self.with_pooled_session(|session| {
            session.with_transaction(|session| lookup::find_unique(session, table, conditions, columns))
        })
    }

    fn exists(&self, table: &TableName, conditions: &[Predicate<'_>]) -> Result<bool> {
        self.with_pooled_session(|session| {
            session.with_transaction(|session| lookup::exists(session, table, conditions))
        })
    }

    fn list_choices(&self, query: &ChoiceQuery<'_>) -> Result<Choices> {
        self.with_pooled_session(|session| session.with_transaction(|session| lookup::list_choices(session, query)))
    }
}
