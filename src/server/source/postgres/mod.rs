//! PostgreSQL: rows read over a dedicated connection and decoded here.
//!
//! Flow: `client` speaks the wire protocol. `Session` is one connection that runs every query in a read-only
//! transaction with search path and settings fixed. `PostgresSnapshot` locks every table, then takes its snapshot.
//! `reader` splits rows and `decode` turns the common types into values. `look_up` reads accounts for sign-in.
//! `foreign_code` finds tables whose planning could run someone else's code.

mod catalog;
pub mod client;
mod decode;
mod fault;
mod foreign_code;
mod look_up;
mod reader;
mod session;
mod snapshot;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{Condition, Error, Identity, Interrupt, Result, Snapshot, Source, quoted};
pub use client::Address;
use session::Session;
use snapshot::PostgresSnapshot;

/// Stall timeout: after this silence, a second connection checks the backend.
const PATIENCE: Duration = Duration::from_secs(20);
/// Stall timeout of a lookup. One that fails on an idle connection is retried once on a new one.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);
/// Idle connections older than this are closed instead of reused.
const IDLE_AT_MOST: Duration = Duration::from_secs(30);
/// Most idle connections kept for lookups.
const MOST_IDLE: usize = 4;
/// How long to wait for another session's table lock.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);

/// A PostgreSQL database.
pub struct PostgresSource {
    address: Address,
    trusted_owners: Arc<[String]>,
    patience: Duration,
    lock_timeout: Duration,
    /// As reported by the newest connection.
    version: Mutex<String>,
    /// Idle connections for lookups, each with the time it became idle; when all are in use, another is opened.
    /// `identity` limits how many lookups run at once.
    idle: Mutex<Vec<(Instant, Session)>>,
}

impl PostgresSource {
    /// Connects once, to check that the server can be used and which version it is. Tables whose owners could run
    /// code with the connected user's privileges are refused, unless the owner is among `trusted_owners`
    /// (`docs/trust.md`).
    ///
    /// # Errors
    /// When the server cannot be reached, refuses the user or is too old.
    pub fn connect(address: Address, trusted_owners: &[String]) -> Result<Self> {
        let trusted_owners: Arc<[String]> = trusted_owners.into();
        let session = Session::open(&address, ANSWER_WITHIN, trusted_owners.clone())?;
        let version = Mutex::new(session.server_version().to_owned());
        let idle = Mutex::new(vec![(Instant::now(), session)]);
        Ok(Self { address, trusted_owners, patience: PATIENCE, lock_timeout: LOCK_TIMEOUT, version, idle })
    }

    /// Replaces the built-in timeouts.
    #[must_use]
    pub fn with_limits(mut self, patience: Duration, lock_timeout: Duration) -> Self {
        (self.patience, self.lock_timeout) = (patience, lock_timeout);
        self
    }

    fn session(&self, patience: Duration) -> Result<Session> {
        let session = Session::open(&self.address, patience, self.trusted_owners.clone())?;
        session.server_version().clone_into(&mut self.version.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(session)
    }

    /// Runs `question` on an idle connection. If that fails for any reason (the server may have closed it meanwhile),
    /// runs it once more on a new one.
    fn ask<T>(&self, question: impl Fn(&mut Session) -> Result<T>) -> Result<T> {
        if let Some(mut session) = self.take_idle()
            && let Ok(answer) = question(&mut session)
        {
            self.keep(session);
            return Ok(answer);
        }
        let mut session = self.session(ANSWER_WITHIN.min(self.patience))?;
        let answer = question(&mut session)?;
        self.keep(session);
        Ok(answer)
    }

    /// Takes the most recently used connection and closes expired ones: a firewall in between may drop a connection
    /// that is idle for long without notifying either end.
    fn take_idle(&self) -> Option<Session> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let (old, mut young): (Vec<_>, Vec<_>) = idle.drain(..).partition(|(since, _)| since.elapsed() >= IDLE_AT_MOST);
        let newest = young.pop();
        *idle = young;
        // Closing takes a while; do not hold the lock meanwhile.
        drop(idle);
        drop(old);
        newest.map(|(_, session)| session)
    }

    fn keep(&self, session: Session) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MOST_IDLE {
            idle.push((Instant::now(), session));
        } else {
            drop(idle);
            drop(session);
        }
    }
}

impl Source for PostgresSource {
    fn engine(&self) -> &'static str {
        "PostgreSQL"
    }

    fn engine_version(&self) -> String {
        self.version.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn identity(&self) -> Result<Identity> {
        let name = match self.ask(|session| session.look_up(look_up::identity)) {
            // Some hosting providers do not let users read the cluster's identifier.
            Err(Error::NotAllowed) => format!("postgresql:{}", self.address),
            identity => identity?,
        };
        Ok(Identity { name, file: None })
    }

    fn begin_snapshot(&self, begun: &dyn Fn(Interrupt)) -> Result<Box<dyn Snapshot>> {
        let session = self.session(self.patience)?;
        begun(session.interrupt());
        Ok(Box::new(PostgresSnapshot::begin(session, self.lock_timeout)?))
    }

    fn find(&self, table: &str, conditions: &[Condition<'_>], columns: &[&str]) -> Result<Option<Vec<Option<String>>>> {
        self.ask(|session| session.look_up(|session| look_up::find(session, table, conditions, columns)))
    }

    fn holds(&self, table: &str, conditions: &[Condition<'_>]) -> Result<bool> {
        self.ask(|session| session.look_up(|session| look_up::holds(session, table, conditions)))
    }
}
