//! Who is asking: passwords, sessions, and the `Caller` that every use case begins with.
//!
//! May import: `source`, `profile`, `state`, `audit`, `support`, `model`. Flow: `sign_in` checks a
//! password against the source's own accounts and opens a session; `caller` turns a session's token
//! into a `Caller`, reading the role from the source each time, so that a demotion works at once.

mod caller;
mod limits;
mod password;

use std::net::IpAddr;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::server::audit::{self, Entry, Event};
use crate::server::profile::Profile;
use crate::server::source::{self, Lookup, Source};
use crate::server::state::{self, State, sessions, sessions::Session};
use crate::server::support::clock::{Clock, rfc3339};
use crate::server::support::random::{Random, token};

pub use caller::{Caller, Refused};
use limits::SignInLimits;
use password::Passwords;

/// A session nobody used for this long is over.
const IDLE: TimeDelta = TimeDelta::minutes(60);
/// A session is over after this long, used or not.
const ABSOLUTE: TimeDelta = TimeDelta::hours(12);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("E-mail address or password is wrong.")]
    WrongCredentials,
    #[error("Too many attempts to sign in.")]
    TooMany { retry_after_seconds: u64 },
    #[error(transparent)]
    Source(#[from] source::Error),
    #[error(transparent)]
    State(#[from] state::Error),
    #[error("a worker thread was lost")]
    Lost,
}

/// A new session: the token goes into the browser's cookie and nowhere else.
#[derive(Debug)]
pub struct SignedIn {
    pub token: SecretString,
}

pub struct Identity {
    source: Arc<dyn Source>,
    profile: Arc<Profile>,
    state: State,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    passwords: Passwords,
    limits: SignInLimits,
}

/// An account as the source has it now.
struct Account {
    id: String,
    email: String,
    role: String,
    password_hash: Option<String>,
}

impl Identity {
    #[must_use]
    pub fn new(
        source: Arc<dyn Source>,
        profile: Arc<Profile>,
        state: State,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        let (passwords, limits) = (Passwords::new(), SignInLimits::new());
        Self { source, profile, state, clock, random, passwords, limits }
    }

    /// Opens a session for whoever knows the password. An unknown address takes as long as a wrong one.
    ///
    /// # Errors
    /// `WrongCredentials` for any mismatch, `TooMany` when the account or the network tried too often.
    pub async fn sign_in(&self, email: &str, password: SecretString, network: IpAddr) -> Result<SignedIn, Error> {
        let email = email.trim();
        if let Err(retry_after_seconds) = self.limits.check(email, network) {
            return Err(Error::TooMany { retry_after_seconds });
        }
        let lowercase = email.to_lowercase();
        let account = self.account(&self.profile.auth.email, &[email, &lowercase]).await?;
        let hash = account.as_ref().and_then(|account| account.password_hash.clone());
        let matches = self.passwords.matches(hash, password).await.map_err(|_| Error::Lost)?;
        let now = self.clock.now();
        let Some(account) = account.filter(|_| matches) else {
            let mut tx = self.state.begin().await?;
            let entry = Entry { at: rfc3339(now), actor: "unknown", export: None, event: Event::SignInRefused };
            audit::append(&mut tx, &entry).await?;
            tx.commit().await.map_err(state::Error::from)?;
            return Err(Error::WrongCredentials);
        };
        let token = token(&*self.random);
        let session = Session {
            token_sha256: digest(&token),
            account_id: account.id,
            email: account.email,
            created_at: rfc3339(now),
            last_seen_at: rfc3339(now),
        };
        let mut tx = self.state.begin().await?;
        sessions::insert(&mut tx, &session).await?;
        let entry = Entry { at: rfc3339(now), actor: &session.email, export: None, event: Event::SignedIn };
        audit::append(&mut tx, &entry).await?;
        tx.commit().await.map_err(state::Error::from)?;
        Ok(SignedIn { token: token.into() })
    }

    /// Whose session this is, with the role that the source gives them now. None when the session is
    /// over or the account is gone.
    ///
    /// # Errors
    /// When state or source cannot be read.
    pub async fn caller(&self, token: &str) -> Result<Option<Caller>, Error> {
        let Some(session) = self.state.session(&digest(token)).await? else { return Ok(None) };
        let now = self.clock.now();
        if is_over(&session, now) {
            return Ok(None);
        }
        let Some(caller) = self.caller_by_account(&session.account_id).await? else { return Ok(None) };
        if age(&session.last_seen_at, now) > TimeDelta::minutes(1) {
            self.state.touch_session(&session.token_sha256, &rfc3339(now)).await?;
        }
        Ok(Some(caller))
    }

    /// The account's caller as of now, read outside any snapshot.
    ///
    /// # Errors
    /// When the source cannot be read.
    pub async fn caller_by_account(&self, account_id: &str) -> Result<Option<Caller>, Error> {
        let account = self.account(&self.profile.auth.id, &[account_id]).await?;
        Ok(account.map(|account| {
            let role = self.profile.role(&account.role);
            Caller::web(account.id, account.email, role.label, role.capabilities)
        }))
    }

    /// Ends the account's sessions, here and everywhere.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub async fn sign_out(&self, token: &str) -> Result<(), Error> {
        let Some(session) = self.state.session(&digest(token)).await? else { return Ok(()) };
        let mut tx = self.state.begin().await?;
        sessions::remove_all_of(&mut tx, &session.account_id).await?;
        let at = rfc3339(self.clock.now());
        let entry = Entry { at, actor: &session.email, export: None, event: Event::SignedOut };
        audit::append(&mut tx, &entry).await?;
        Ok(tx.commit().await.map_err(state::Error::from)?)
    }

    /// Removes sessions that are over, and forgets networks that have calmed down.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub async fn sweep(&self) -> Result<(), Error> {
        let now = self.clock.now();
        self.limits.forget_the_calm();
        Ok(self.state.sweep_sessions(&rfc3339(now - IDLE), &rfc3339(now - ABSOLUTE)).await?)
    }

    async fn account(&self, key_column: &str, keys: &[&str]) -> Result<Option<Account>, Error> {
        let (source, profile) = (self.source.clone(), self.profile.clone());
        let key_column = key_column.to_owned();
        let keys: Vec<String> = keys.iter().map(|&key| key.to_owned()).collect();
        let row = tokio::task::spawn_blocking(move || {
            let auth = &profile.auth;
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            let columns = [&*auth.id, &auth.email, &auth.role, &auth.password];
            source.find(&Lookup { table: &auth.table, key_column: &key_column, keys: &keys, columns: &columns })
        });
        let row = row.await.map_err(|_| Error::Lost)??;
        Ok(row.and_then(|row| {
            let mut fields = row.into_iter();
            let mut next = || fields.next().flatten();
            Some(Account { id: next()?, email: next()?, role: next()?, password_hash: next() })
        }))
    }
}

fn digest(token: &str) -> String {
    hex::encode(Sha256::digest(token))
}

fn is_over(session: &Session, now: DateTime<Utc>) -> bool {
    age(&session.last_seen_at, now) >= IDLE || age(&session.created_at, now) >= ABSOLUTE
}

fn age(since: &str, now: DateTime<Utc>) -> TimeDelta {
    DateTime::parse_from_rfc3339(since).map_or(TimeDelta::MAX, |since| now - since.to_utc())
}

impl SignedIn {
    /// The cookie's value.
    #[must_use]
    pub fn cookie_value(&self) -> &str {
        self.token.expose_secret()
    }
}
