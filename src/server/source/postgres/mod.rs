//! PostgreSQL: rows on a dedicated connection, decoded here.
//!
//! Flow: `client` is the wire; `Session` is one connection with its settings pinned and a watch over its
//! silences; `PostgresSnapshot` locks every table, then pins its
//! view; `reader` takes rows apart and `decode` turns the common types into values.

mod catalog;
pub mod client;
mod decode;
mod fault;
mod reader;
mod session;
mod snapshot;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{Condition, Interrupt, Lookup, Result, Snapshot, Source, quoted};
pub use client::Address;
use client::Row;
use session::Session;
use snapshot::PostgresSnapshot;

/// A silence this long is looked into on a second connection.
const PATIENCE: Duration = Duration::from_secs(20);
/// A question about an account is answered so soon, or asked once more on another connection.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);
/// A connection that nobody used for so long is not trusted any more.
const IDLE_AT_MOST: Duration = Duration::from_secs(30);
/// Somebody else's lock is waited for this long.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);

/// A PostgreSQL database.
pub struct PostgresSource {
    address: Address,
    patience: Duration,
    lock_timeout: Duration,
    /// As the server said at the newest connection.
    version: Mutex<String>,
    /// The connection that answers `find` and `holds`, since when it is idle; whoever comes while it is out
    /// opens another.
    idle: Mutex<Option<(Instant, Session)>>,
    /// Names in the catalog, as SQL.
    relations: Mutex<BTreeMap<String, String>>,
}

impl PostgresSource {
    /// Connects once, to see that it can be done and what is there.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses the user.
    pub fn connect(address: Address) -> Result<Self> {
        let session = Session::open(&address, ANSWER_WITHIN)?;
        let version = Mutex::new(session.server_version().to_owned());
        let idle = Mutex::new(Some((Instant::now(), session)));
        let relations = Mutex::default();
        Ok(Self { address, patience: PATIENCE, lock_timeout: LOCK_TIMEOUT, version, idle, relations })
    }

    /// Other limits than the built-in ones.
    #[must_use]
    pub fn with_limits(mut self, patience: Duration, lock_timeout: Duration) -> Self {
        (self.patience, self.lock_timeout) = (patience, lock_timeout);
        self
    }

    fn session(&self, patience: Duration) -> Result<Session> {
        let session = Session::open(&self.address, patience)?;
        session.server_version().clone_into(&mut self.version.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(session)
    }

    /// Asks on a kept connection; one that the server has closed meanwhile is replaced once.
    fn ask<T>(&self, question: impl Fn(&mut Session) -> Result<T>) -> Result<T> {
        let kept = self.idle.lock().unwrap_or_else(PoisonError::into_inner).take();
        // What lies between may have forgotten an idle connection, without telling anybody.
        let young = kept.filter(|(since, _)| since.elapsed() < IDLE_AT_MOST);
        if let Some((_, mut session)) = young
            && let Ok(answer) = question(&mut session)
        {
            self.keep(session);
            return Ok(answer);
        }
        self.relations.lock().unwrap_or_else(PoisonError::into_inner).clear();
        let mut session = self.session(ANSWER_WITHIN.min(self.patience))?;
        let answer = question(&mut session)?;
        self.keep(session);
        Ok(answer)
    }

    fn keep(&self, session: Session) {
        let before = self.idle.lock().unwrap_or_else(PoisonError::into_inner).replace((Instant::now(), session));
        // Closing takes a while, and others wait for the lock.
        drop(before);
    }

    /// A table as SQL, by its name in the catalog.
    fn relation(&self, session: &mut Session, name: &str) -> Result<String> {
        if let Some(known) = self.relations.lock().unwrap_or_else(PoisonError::into_inner).get(name) {
            return Ok(known.clone());
        }
        let found = catalog::relation_by_name(session, name)?;
        let mut known = self.relations.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(known.entry(name.to_owned()).or_insert(found).clone())
    }
}

impl Source for PostgresSource {
    fn engine(&self) -> &'static str {
        "PostgreSQL"
    }

    fn engine_version(&self) -> String {
        self.version.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn begin_snapshot(&self, begun: &dyn Fn(Interrupt)) -> Result<Box<dyn Snapshot>> {
        let session = self.session(self.patience)?;
        begun(session.interrupt());
        Ok(Box::new(PostgresSnapshot::begin(session, self.lock_timeout)?))
    }

    fn find(&self, lookup: &Lookup<'_>) -> Result<Option<Vec<Option<String>>>> {
        self.ask(|session| {
            let relation = self.relation(session, lookup.table)?;
            let columns: Vec<String> =
                lookup.columns.iter().map(|name| format!("CAST({} AS text)", quoted(name))).collect();
            let Some(key) = catalog::column_type(session, &relation, lookup.key_column)? else { return Ok(None) };
            let marks: Vec<String> =
                (1..=lookup.keys.len()).map(|n| format!("CAST(CAST(${n} AS text) AS {key})")).collect();
            let sql = format!(
                "SELECT {} FROM {relation} WHERE {} IN ({}) LIMIT 2",
                columns.join(", "),
                quoted(lookup.key_column),
                marks.join(", ")
            );
            let mut rows = match session.fetch(&sql, lookup.keys) {
                // An e-mail address is no UUID: then nobody has that key.
                Err(error) if fault::is_bad_value(&error) => return Ok(None),
                rows => rows?,
            };
            let found = rows.pop().filter(|_| rows.is_empty());
            Ok(found.map(Row::into_texts))
        })
    }

    fn holds(&self, condition: &Condition<'_>) -> Result<bool> {
        self.ask(|session| {
            let relation = self.relation(session, condition.table)?;
            let (mut tests, mut values) = (Vec::new(), Vec::new());
            for (column, accepted) in condition.equal {
                let Some(native) = catalog::column_type(session, &relation, column)? else { return Ok(false) };
                values.extend(accepted.iter().copied());
                tests.push(match accepted {
                    // As its own type, which an index is made for.
                    [_] => format!("{} = CAST(CAST(${} AS text) AS {native})", quoted(column), values.len()),
                    several => {
                        let marks: Vec<String> =
                            (values.len() - several.len() + 1..=values.len()).map(|n| format!("${n}")).collect();
                        format!("CAST({} AS text) IN ({})", quoted(column), marks.join(", "))
                    }
                });
            }
            let sql = format!("SELECT 1 FROM {relation} WHERE {} LIMIT 1", tests.join(" AND "));
            match session.fetch(&sql, &values) {
                Err(error) if fault::is_bad_value(&error) => Ok(false),
                rows => Ok(!rows?.is_empty()),
            }
        })
    }
}
