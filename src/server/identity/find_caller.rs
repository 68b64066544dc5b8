//! Who is asking: the caller of a session or of a running export, as the source or the state has the account now.

use chrono::TimeDelta;

use super::accounts::{Account, Credentials, LookupOrigin};
use super::digests::{credential_sha256, sha256_hex};
use super::session_age::{age, is_expired};
use super::{Caller, Error, Identity};
use crate::server::audit::{Actor, Event};
use crate::server::state::sessions::Session;
use crate::server::support::clock::rfc3339;

impl Identity {
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

    /// Whether the session was opened with a password less than this time ago: for what is worth asking for it again.
    ///
    /// # Errors
    /// `State` if the sessions cannot be read.
    pub async fn is_signed_in_within(&self, token: &str, time: TimeDelta) -> Result<bool, Error> {
        let session = self.accounts.state.connect().await?.sessions().find(&sha256_hex(token)).await?;
        Ok(session.is_some_and(|session| age(&session.created_at, self.clock.now()) < time))
    }

    /// Returns the current caller for a running export, read outside any snapshot. Uses a separate queue, so that a
    /// burst of requests does not delay it. `None` if the account is missing or suspended, or the application has begun to ask it for a second factor.
    ///
    /// # Errors
    /// As `find_caller`.
    pub async fn find_run_caller(&self, account_id: &str) -> Result<Option<Caller>, Error> {
        let account =
            self.accounts.find(LookupOrigin::Run, account_id).await?.filter(|account| account.credentials.is_active);
        let Some(account) = account else { return Ok(None) };
        if self.needs_application_second_factor(&account.credentials).await? {
            return Ok(None);
        }
        Ok(Some(self.enforce_second_factor(account.caller).await?))
    }

    /// Returns the account of a session that has not expired, if it still has the password that opened the session.
    pub(super) async fn find_session_account(&self, session: &Session) -> Result<Option<Account>, Error> {
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
        let needs_more = match &account {
            Some(account) => self.needs_application_second_factor(&account.credentials).await?,
            None => false,
        };
        let account = account.filter(|_| !needs_more);
        if account.is_none() {
            self.end_session(session).await?;
        }
        Ok(account)
    }

    /// Whether the application asks this account for a second factor, which Waybill cannot check, and Waybill has none of
    /// its own to ask for instead.
    pub(super) async fn needs_application_second_factor(&self, account: &Credentials) -> Result<bool, Error> {
        Ok(account.has_application_second_factor && !self.has_second_factor(Some(&account.account_id)).await?)
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

    pub(super) async fn has_second_factor(&self, account_id: Option<&str>) -> Result<bool, Error> {
        let Some(id) = account_id else { return Ok(false) };
        let found = self.accounts.state.connect().await?.second_factors().find(id).await?;
        Ok(found.is_some_and(|factor| factor.confirmed_at.is_some()))
    }
}
