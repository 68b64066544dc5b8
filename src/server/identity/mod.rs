//! Who is asking: passwords, sessions, and the `Caller` that every use case begins with.
//!
//! May import: `source`, `profile`, `state`, `audit`, `signing`, `support`, `model`. Flow: `sign_in` checks a
//! password against the source's own accounts and opens a session; `caller` turns a session's token
//! into a `Caller`, reading the role from the source each time, so that a demotion works at once.

mod accounts;
mod caller;
mod limits;
mod password;
mod queue;
mod setup;

use std::net::IpAddr;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::server::audit::{self, Entry, Event, Refusals};
use crate::server::profile::Profile;
use crate::server::signing::SigningKey;
use crate::server::source::{self, Source};
use crate::server::state::{self, State, sessions, sessions::Session};
use crate::server::support::clock::{Clock, rfc3339};
use crate::server::support::random::{Random, token};

pub use accounts::LOCAL_ADMIN;
use accounts::{Accounts, By};
pub use caller::{Caller, Refused};
use limits::{SignInLimits, network_of};
use password::Passwords;
use queue::Crowded;
use setup::SetupLink;
pub use setup::put_admin;

/// In bytes (RFC 5321, 4.5.3.1.3); nobody has a longer name, and none is kept.
const LONGEST_NAME: usize = 254;
/// A session nobody used for this long is over.
const IDLE: TimeDelta = TimeDelta::minutes(60);
/// A session is over after this long, used or not.
const ABSOLUTE: TimeDelta = TimeDelta::hours(12);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("Name or password is wrong.")]
    WrongCredentials,
    #[error("Too many attempts to sign in.")]
    TooMany { retry_after_seconds: u64 },
    /// The page has the words that say what to do.
    #[error("the set-up link has been used or has expired")]
    LinkUsed,
    #[error("{0}")]
    Unusable(&'static str),
    #[error(transparent)]
    Source(#[from] source::Error),
    #[error(transparent)]
    State(#[from] state::Error),
    /// Too many ask at once; the application's database and this machine have other things to do, too.
    #[error("too many sign in or ask for pages at once")]
    Crowded,
    #[error("a worker thread was lost")]
    Lost,
}

impl From<Crowded> for Error {
    fn from(_: Crowded) -> Self {
        Self::Crowded
    }
}

/// A new session: the token goes into the browser's cookie and nowhere else.
#[derive(Debug)]
pub struct SignedIn {
    pub token: SecretString,
}

pub struct Identity {
    accounts: Accounts,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    passwords: Passwords,
    limits: SignInLimits,
    setup: SetupLink,
    signing_key: Arc<SigningKey>,
    refusals: Arc<Refusals>,
}

impl Identity {
    #[must_use]
    pub fn new(
        source: Arc<dyn Source>,
        profile: Arc<Profile>,
        state: State,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        signing_key: Arc<SigningKey>,
        refusals: Arc<Refusals>,
    ) -> Self {
        let accounts = Accounts::new(source, profile, state);
        let (passwords, limits) = (Passwords::new(), SignInLimits::new());
        Self { accounts, clock, random, passwords, limits, setup: SetupLink::default(), signing_key, refusals }
    }

    /// Whether accounts are Waybill's own and not the source's.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.accounts.are_local()
    }

    /// Opens a session for whoever knows the password. An unknown address takes as long as a wrong one.
    ///
    /// # Errors
    /// `WrongCredentials` for any mismatch, `TooMany` when the account or the network tried too often.
    pub async fn sign_in(&self, email: &str, password: SecretString, network: IpAddr) -> Result<SignedIn, Error> {
        let email = email.trim();
        let key = email.get(..LONGEST_NAME).unwrap_or(email);
        if let Err(retry_after_seconds) = self.limits.check(key, network) {
            self.refuse("unknown", Some(network_of(network)), Event::SignInLimited).await?;
            return Err(Error::TooMany { retry_after_seconds });
        }
        let account = match email.len() {
            ..=LONGEST_NAME => self.accounts.find(By::Name(email.to_owned())).await?,
            _ => None,
        };
        let hash = account.as_ref().and_then(|account| account.password_hash.clone());
        let matches = self.passwords.matches(hash, password).await?;
        let now = self.clock.now();
        let Some(account) = account.filter(|_| matches) else {
            let event = Event::SignInRefused { name: self.signing_key.digest_of(key) };
            self.refuse("unknown", Some(network), event).await?;
            return Err(Error::WrongCredentials);
        };
        let token = token(&*self.random);
        let session = Session {
            token_sha256: digest(&token),
            account_id: account.caller.account_id.unwrap_or_default(),
            email: account.caller.name,
            created_at: rfc3339(now),
            last_seen_at: rfc3339(now),
        };
        let mut tx = self.accounts.state.begin().await?;
        sessions::insert(&mut tx, &session).await?;
        let (at, network) = (rfc3339(now), Some(network));
        let entry = Entry { at, actor: &session.email, network, export: None, event: Event::SignedIn };
        audit::append(&mut tx, &entry).await?;
        tx.commit().await?;
        Ok(SignedIn { token: token.into() })
    }

    /// Whose session this is, with the role that the source gives them now. None when the session is
    /// over or the account is gone.
    ///
    /// # Errors
    /// When state or source cannot be read.
    pub async fn caller(&self, token: &str) -> Result<Option<Caller>, Error> {
        let Some(session) = self.accounts.state.session(&digest(token)).await? else { return Ok(None) };
        let now = self.clock.now();
        if is_over(&session, now) {
            return Ok(None);
        }
        // Another source may have another person under the same id.
        let account = self.accounts.find(By::Id(session.account_id.clone())).await?;
        let caller = account.map(|account| account.caller);
        let Some(caller) = caller.filter(|caller| caller.name == session.email) else { return Ok(None) };
        if age(&session.last_seen_at, now) > TimeDelta::minutes(1) {
            self.accounts.state.touch_session(&session.token_sha256, &rfc3339(now)).await?;
        }
        Ok(Some(caller))
    }

    /// The account's caller as of now, read outside any snapshot, for a run of theirs: a crowd of visitors does
    /// not keep it waiting.
    ///
    /// # Errors
    /// When the source cannot be read.
    pub async fn caller_of_run(&self, account_id: &str) -> Result<Option<Caller>, Error> {
        let account = self.accounts.find_for_run(By::Id(account_id.to_owned())).await?;
        Ok(account.map(|account| account.caller))
    }

    /// Ends the account's sessions, here and everywhere.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub async fn sign_out(&self, token: &str, network: IpAddr) -> Result<(), Error> {
        let Some(session) = self.accounts.state.session(&digest(token)).await? else { return Ok(()) };
        let mut tx = self.accounts.state.begin().await?;
        sessions::remove_all_of(&mut tx, &session.account_id).await?;
        let at = rfc3339(self.clock.now());
        let network = Some(network);
        let entry = Entry { at, actor: &session.email, network, export: None, event: Event::SignedOut };
        audit::append(&mut tx, &entry).await?;
        Ok(tx.commit().await?)
    }

    async fn refuse(&self, actor: &str, network: Option<IpAddr>, event: Event) -> Result<(), Error> {
        let entry = Entry { at: rfc3339(self.clock.now()), actor, network, export: None, event };
        Ok(self.refusals.record(&self.accounts.state, &*self.clock, entry).await?)
    }

    /// Removes sessions that are over, and forgets networks that have calmed down.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub async fn sweep(&self) -> Result<(), Error> {
        let now = self.clock.now();
        self.limits.forget_the_calm();
        Ok(self.accounts.state.sweep_sessions(&rfc3339(now - IDLE), &rfc3339(now - ABSOLUTE)).await?)
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
