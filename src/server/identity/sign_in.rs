//! The first step of sign-in: name and password.

use std::time::Instant;

use secrecy::SecretString;

use super::accounts::Credentials;
use super::attempts::ClientInfo;
use super::open_session::{CompletedStep, NewSession, VerifiedAccount};
use super::{Error, Identity};
use crate::server::audit::{Actor, Event};

/// In bytes: the longest e-mail address (RFC 5321, 4.5.3.1.3). Longer names are never looked up.
const MAX_NAME_BYTES: usize = 254;

impl Identity {
    /// Checks a password and opens a session. An unknown name takes as long as a wrong password.
    ///
    /// # Errors
    /// `WrongCredentials` for any mismatch; `ApplicationSecondFactor` after the right password, if the application asks
    /// for more; `RateLimited` over a rate limit; `Overloaded` if a queue is full.
    pub async fn sign_in(
        &self,
        name: &str,
        password: SecretString,
        client: ClientInfo<'_>,
    ) -> Result<NewSession, Error> {
        let name = name.trim();
        let key = &name[..name.floor_char_boundary(MAX_NAME_BYTES)];
        self.check_rate_limit("unknown", key, client).await?;
        let started_at = Instant::now();
        let found = match name.len() {
            ..=MAX_NAME_BYTES => self.accounts.find_credentials(name).await?,
            _ => None,
        };
        let hash = found.as_ref().and_then(|found| found.password_hash.as_deref());
        let is_active = found.as_ref().is_some_and(|found| found.is_active);
        let matches = self.passwords.verify(hash, is_active, password, started_at).await?;
        let matching = found.as_ref().filter(|_| matches);
        let Some((matching, verified)) = matching.and_then(|found| Some((found, VerifiedAccount::of(found)?))) else {
            let account = found.as_ref().map(|found| found.account_id.as_str());
            tracing::info!(network = %client.client_ip, account, is_active, "a sign-in was refused");
            let event = Event::SignInRefused { name: self.signing_key.keyed_digest(key) };
            self.journal.refuse(Actor::remote("unknown", client.client_ip), event).await?;
            return Err(Error::WrongCredentials);
        };
        self.refuse_password_alone(matching, client).await?;
        self.open_session(verified, client, CompletedStep::Password).await
    }

    /// Refuses an account that the application asks for more than its password. Called after the password has matched:
    /// whoever does not know it must not learn who has a second factor.
    async fn refuse_password_alone(&self, account: &Credentials, client: ClientInfo<'_>) -> Result<(), Error> {
        if !self.needs_application_second_factor(account).await? {
            return Ok(());
        }
        let id = account.account_id.as_str();
        tracing::info!(network = %client.client_ip, account = id, "a sign-in needs the application's second factor");
        let actor = Actor::remote(&account.name, client.client_ip);
        self.journal.refuse(actor, Event::ApplicationSecondFactorNeeded).await?;
        Err(Error::ApplicationSecondFactor)
    }
}
