//! PostgreSQL: rows on a dedicated connection, decoded here.
//!
//! Flow: `client` is the wire; `Session` is one connection, whose every question is asked in a read-only
//! transaction with names and settings pinned; `PostgresSnapshot` locks every table, then pins its view;
//! `reader` takes rows apart and `decode` turns the common types into values. `look_up` answers questions
//! about accounts. `foreign_code` finds whose code could run by looking at a table.

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

/// A silence this long is looked into on a second connection.
const PATIENCE: Duration = Duration::from_secs(20);
/// A question about an account is answered so soon, or asked once more on another connection.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);
/// A connection that nobody used for so long is not trusted any more.
const IDLE_AT_MOST: Duration = Duration::from_secs(30);
/// Of an application's connections, no more are kept while nothing is asked.
const MOST_IDLE: usize = 4;
/// Somebody else's lock is waited for this long.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);

/// A PostgreSQL database.
pub struct PostgresSource {
    address: Address,
    trusted_owners: Arc<[String]>,
    patience: Duration,
    lock_timeout: Duration,
    /// As the server said at the newest connection.
    version: Mutex<String>,
    /// Connections that answered questions about accounts, each since when it is idle; whoever comes while all are
    /// out opens another. How many may ask at once is for `identity` to say.
    idle: Mutex<Vec<(Instant, Session)>>,
}

impl PostgresSource {
    /// Connects once, to see that it can be done and what is there. Tables whose owners could run code with the rights
    /// of the user who connects are refused, unless they are among `trusted_owners` (`docs/trust.md`).
    ///
    /// # Errors
    /// When the server cannot be reached or refuses the user.
    pub fn connect(address: Address, trusted_owners: &[String]) -> Result<Self> {
        let trusted_owners: Arc<[String]> = trusted_owners.into();
        let session = Session::open(&address, ANSWER_WITHIN, trusted_owners.clone())?;
        let version = Mutex::new(session.server_version().to_owned());
        let idle = Mutex::new(vec![(Instant::now(), session)]);
        Ok(Self { address, trusted_owners, patience: PATIENCE, lock_timeout: LOCK_TIMEOUT, version, idle })
    }

    /// Other limits than the built-in ones.
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

    /// Asks on a kept connection; one that the server has closed meanwhile is replaced once.
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

    /// The connection that was used last. One that is idle for long may be forgotten by what lies between,
    /// without anybody being told.
    fn take_idle(&self) -> Option<Session> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let (old, mut young): (Vec<_>, Vec<_>) = idle.drain(..).partition(|(since, _)| since.elapsed() >= IDLE_AT_MOST);
        let newest = young.pop();
        *idle = young;
        // Closing takes a while, and others wait for the lock.
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
            // Some who host databases keep the cluster's identifier to themselves.
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
