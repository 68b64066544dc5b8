//! Authentication: passwords, second factors, sessions, and the `Caller` that every use case takes.
//!
//! May import: `source`, `profile`, `state`, `audit`, `signing`, `support`, `model`. Flow: `sign_in` checks a password
//! against the source's accounts (or local ones), `sign_in_code` a second factor, and `open_session` opens a session.
//! `find_caller` turns a session token into a `Caller`; it reads account and role each time, so that a demotion or a new
//! password takes effect at once. `own_account` is self-service for signed-in users, `local_accounts` is administration
//! from the command line.

mod account_limits;
mod accounts;
mod attempts;
mod authorise;
mod caller;
mod concurrency_limit;
mod digests;
mod error;
mod find_caller;
mod first_account;
mod hash_schemes;
pub mod local_accounts;
mod open_session;
mod own_account;
mod passwords;
mod policy;
mod principal;
mod rate_limits;
mod second_factor;
mod session_age;
mod setup_code;
mod sign_in;
mod sign_in_code;

use std::sync::Arc;

use crate::server::audit::Journal;
use crate::server::profile::{Profile, SecondFactorPolicy};
use crate::server::signing::SigningKey;
use crate::server::source::Source;
use crate::server::state::SourceState;
use crate::server::support::clock::{Clock, rfc3339};
use crate::server::support::password::StoredHash;
use crate::server::support::random::Random;

use accounts::Accounts;
pub use accounts::{LOCAL_ROLE_LABEL, OWNER_LABEL, is_role_assigned};
pub use attempts::ClientInfo;
pub use authorise::{authorise, refuse};
pub use caller::{Caller, Forbidden};
pub use error::Error;
pub use open_session::NewSession;
use passwords::PasswordChecker;
pub use principal::Principal;
use rate_limits::SignInRateLimits;
use session_age::{SESSION_IDLE_TIMEOUT, SESSION_MAX_AGE};
use setup_code::SetupCode;

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

    /// Whether the caller belongs to the organisation, as an owner or as anything else.
    ///
    /// # Errors
    /// `Source` if the database cannot be read; `Overloaded` if the lookup queue is full; `TaskPanicked`.
    pub async fn is_member(&self, caller: &Caller, organization: &str) -> Result<bool, Error> {
        match caller.account_id() {
            Some(account) => self.accounts.is_member(account, organization).await,
            None => Ok(false),
        }
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
