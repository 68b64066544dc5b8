//! Authentication: passwords, second factors, sessions, and the `Caller` that every use case takes.
//!
//! May import: `source`, `profile`, `state`, `audit`, `signing`, `support`, `model`. Flow: `sign_in` checks a password
//! against the source's accounts (or local ones) and opens a session. `find_caller` turns a session token into a `Caller`;
//! it reads account and role each time, so that a demotion or a new password takes effect at once. `own_account` is
//! self-service for signed-in users, `local_accounts` is administration from the command line.

mod accounts;
mod authorise;
mod caller;
mod concurrency_limit;
mod error;
mod first_account;
pub mod local_accounts;
mod own_account;
mod passwords;
mod policy;
mod principal;
mod rate_limits;
mod second_factor;
mod setup_code;
mod sign_in;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

use crate::server::audit::{Actor, Event, Journal};
use crate::server::profile::{Profile, SecondFactorPolicy};
use crate::server::signing::SigningKey;
use crate::server::source::Source;
use crate::server::state::SourceState;
use crate::server::state::sessions::Session;
use crate::server::support::clock::{Clock, rfc3339};
use crate::server::support::password::StoredHash;
use crate::server::support::random::Random;

use accounts::{Account, Accounts, Credentials, LookupOrigin};
pub use accounts::{LOCAL_ROLE_LABEL, is_role_assigned};
pub use authorise::{authorise, refuse};
pub use caller::{Caller, Forbidden};
pub use error::Error;
use passwords::PasswordChecker;
pub use principal::Principal;
use rate_limits::SignInRateLimits;
use setup_code::SetupCode;
pub use sign_in::{ClientInfo, NewSession};

/// Idle timeout of a session.
const SESSION_IDLE_TIMEOUT: TimeDelta = TimeDelta::minutes(60);
/// Maximum age of a session, used or not.
const SESSION_MAX_AGE: TimeDelta = TimeDelta::hours(12);
/// Time limit for entering a second-factor code, at sign-in and at enrolment.
const CODE_ENTRY_TIMEOUT: TimeDelta = TimeDelta::minutes(10);

/// Dependencies of `Identity`.
pub struct Dependencies {
    pub source: Arc<dyn Source>,
    pub profile: Arc<Profile>,
    pub state: SourceState,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    pub signing_key: Arc<SigningKey>,
    pub journal: Journal,
    /// The operator's policy; the stricter of it and the profile's applies.
    pub second_factor_policy: SecondFactorPolicy,
}

pub struct Identity {
    accounts: Accounts,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    passwords: PasswordChecker,
    rate_limits: SignInRateLimits,
    setup_code: SetupCode,
    signing_key: Arc<SigningKey>,
    journal: Journal,
    requires_second_factor: bool,
    /// Name of this console in authenticator apps.
    issuer: String,
}

impl Identity {
    #[must_use]
    pub fn new(parts: Dependencies) -> Self {
        let Dependencies { source, profile, state, clock, random, signing_key, journal, second_factor_policy } = parts;
        let profile_policy = profile.auth.as_ref().map(|auth| auth.second_factor).unwrap_or_default();
        Self {
            requires_second_factor: [second_factor_policy, profile_policy].contains(&SecondFactorPolicy::Required),
            issuer: format!("Waybill {}", profile.name),
            accounts: Accounts::new(source, profile, state),
            passwords: PasswordChecker::new(),
            rate_limits: SignInRateLimits::new(),
            setup_code: SetupCode::default(),
            clock,
            random,
            signing_key,
            journal,
        }
    }

    /// Whether accounts are local: stored by Waybill, not by the source.
    #[must_use]
    pub fn uses_local_accounts(&self) -> bool {
        self.accounts.is_local()
    }

    /// Measures the hash schemes of the source before the first sign-in.
    ///
    /// # Errors
    /// `Overloaded` if the queue of password checks is full; `TaskPanicked` if a check panics.
    pub async fn measure_hash_schemes(&self, hashes: Vec<StoredHash>) -> Result<(), Error> {
        self.passwords.measure_schemes(hashes).await
    }

    /// Returns the caller of a session, with the role that the source gives now. `None` if the session has expired or
    /// awaits a code, or if the account is missing, suspended or has a new password.
    ///
    /// # Errors
    /// `State` or `Source` if either cannot be read; `Overloaded` if the lookup queue is full; `TaskPanicked` if the lookup
    /// panics.
    pub async fn find_caller(&self, token: &str) -> Result<Option<Caller>, Error> {
        let Some(session) = self.accounts.state.connect().await?.sessions().find(&sha256_hex(token)).await? else {
            return Ok(None);
        };
        // A client with only the password does not cost the application's database a query.
        if session.awaits_code {
            return Ok(None);
        }
        let Some(account) = self.find_session_account(&session).await? else { return Ok(None) };
        let now = self.clock.now();
        if age(&session.last_seen_at, now) > TimeDelta::minutes(1) {
            self.accounts.state.connect().await?.sessions().touch(&session.token_sha256, &rfc3339(now)).await?;
        }
        let caller = Caller { session_token_sha256: Some(session.token_sha256), ..account.caller };
        Ok(Some(self.enforce_second_factor(caller).await?))
    }

    /// Returns the current caller for a running export, read outside any snapshot. Uses a separate queue, so that a
    /// burst of requests does not delay it. `None` if the account is missing or suspended.
    ///
    /// # Errors
    /// As `find_caller`.
    pub async fn find_run_caller(&self, account_id: &str) -> Result<Option<Caller>, Error> {
        let account =
            self.accounts.find(LookupOrigin::Run, account_id).await?.filter(|account| account.credentials.is_active);
        let Some(account) = account else { return Ok(None) };
        Ok(Some(self.enforce_second_factor(account.caller).await?))
    }

    /// Returns the account of a session that has not expired, if it still has the password that opened the session.
    async fn find_session_account(&self, session: &Session) -> Result<Option<Account>, Error> {
        if is_expired(session, self.clock.now()) {
            return Ok(None);
        }
        let account = self.accounts.find(LookupOrigin::Request, &session.account_id).await?;
        // Another source may have a different person under the same id. A session that no longer matches is removed, so
        // that restoring the old password or lifting a suspension does not revive it.
        let still_matches = |Credentials { name, password_hash, is_active, .. }: &Credentials| {
            *is_active
                && *name == session.email
                && password_hash.as_deref().is_some_and(|hash| credential_sha256(hash) == session.credential_sha256)
        };
        let account = account.filter(|account| still_matches(&account.credentials));
        if account.is_none() {
            self.end_session(session).await?;
        }
        Ok(account)
    }

    async fn end_session(&self, session: &Session) -> Result<(), Error> {
        let mut tx = self.accounts.state.begin().await?;
        let has_ended = tx.sessions().remove(&session.token_sha256).await?;
        let event = has_ended.then(|| Event::SessionsEnded { account: session.email.clone(), count: 1 });
        Ok(self.journal.commit_if(tx, Actor::PROGRAM, event).await?)
    }

    /// Removes all grants if a required second factor is not set up.
    async fn enforce_second_factor(&self, caller: Caller) -> Result<Caller, Error> {
        if !self.requires_second_factor || self.has_second_factor(caller.account_id()).await? {
            return Ok(caller);
        }
        Ok(Caller { grants: Vec::new(), lacks_second_factor: true, ..caller })
    }

    async fn has_second_factor(&self, account_id: Option<&str>) -> Result<bool, Error> {
        let Some(id) = account_id else { return Ok(false) };
        let found = self.accounts.state.connect().await?.second_factors().find(id).await?;
        Ok(found.is_some_and(|factor| factor.confirmed_at.is_some()))
    }

    /// Limits the requests of a caller without capabilities: each costs the application's database a query.
    ///
    /// # Errors
    /// `RateLimited`, with the seconds until the next request is allowed.
    pub fn limit_unprivileged_requests(&self, caller: &Caller) -> Result<(), Error> {
        let id = caller.account_id().filter(|_| caller.grants.is_empty());
        let Some(id) = id else { return Ok(()) };
        self.rate_limits
            .check_costly_lookup(id)
            .map_err(|retry_after_seconds| Error::RateLimited { retry_after_seconds })
    }

    /// Removes expired sessions, and rate-limit entries that have refilled.
    ///
    /// # Errors
    /// `State` if the state cannot be written.
    pub async fn sweep(&self) -> Result<(), Error> {
        let now = self.clock.now();
        self.rate_limits.prune();
        Ok(self
            .accounts
            .state
            .connect()
            .await?
            .sessions()
            .remove_expired(&rfc3339(now - SESSION_IDLE_TIMEOUT), &rfc3339(now - SESSION_MAX_AGE))
            .await?)
    }
}

fn sha256_hex(token: &str) -> String {
    hex::encode(Sha256::digest(token))
}

/// Digest of the stored hash that opened a session, to detect a new password.
fn credential_sha256(password_hash: &str) -> String {
    sha256_hex(password_hash)
}

fn is_expired(session: &Session, now: DateTime<Utc>) -> bool {
    let max_age = if session.awaits_code { CODE_ENTRY_TIMEOUT } else { SESSION_MAX_AGE };
    age(&session.last_seen_at, now) >= SESSION_IDLE_TIMEOUT || age(&session.created_at, now) >= max_age
}

/// A time that cannot be read is as old as can be, so that nothing outlives its limit by it.
fn age(since: &str, now: DateTime<Utc>) -> TimeDelta {
    DateTime::parse_from_rfc3339(since).map_or(TimeDelta::MAX, |since| now - since.to_utc())
}
