//! Changes the password of a local account, and asks for it again before other changes.

use secrecy::{ExposeSecret, SecretString};

use super::super::accounts::LookupOrigin;
use super::super::attempts::ClientInfo;
use super::super::digests::credential_sha256;
use super::super::passwords::hash_password;
use super::super::{Caller, Error, Identity, policy};
use super::{current_session, own_id};
use crate::model::form_error::FormError;
use crate::server::audit::Event;
use crate::server::state::accounts::LocalAccount;
use crate::server::support::random::new_token;

impl Identity {
    /// Changes the password of a local account and ends its other sessions.
    ///
    /// # Errors
    /// `WrongCredentials` for the old password; `Invalid` for the new one; `Conflict` if the application stores the
    /// password.
    pub async fn change_password(&self, caller: &Caller, old: SecretString, new: SecretString) -> Result<(), Error> {
        if !self.uses_local_accounts() {
            return Err(Error::Conflict("The application manages this password. Change it there."));
        }
        let is_unchanged = old.expose_secret() == new.expose_secret();
        let id = self.verify_password(caller, old).await?;
        if is_unchanged {
            return Err(Error::Invalid(FormError::PasswordUnchanged));
        }
        policy::check_password(&caller.name, &new)?;
        let state = &self.accounts.state;
        let account = state.connect().await?.accounts().find(&id).await?.ok_or(Error::WrongCredentials)?;
        let account = LocalAccount { password_hash: hash_password(new, new_token(&*self.random)).await?, ..account };
        let mut tx = state.begin().await?;
        if !tx.accounts().set_password(&account.id, &account.password_hash).await? {
            return Err(Error::WrongCredentials);
        }
        tx.sessions().remove_others_of_account(&id, current_session(caller)?).await?;
        tx.sessions().set_credential(current_session(caller)?, &credential_sha256(&account.password_hash)).await?;
        Ok(self.journal.commit(tx, caller.actor(), Event::PasswordChanged).await?)
    }

    /// Checks the caller's password and returns the account's id. Counts as a sign-in attempt.
    pub(super) async fn verify_password(&self, caller: &Caller, password: SecretString) -> Result<String, Error> {
        // An attempt that comes from nowhere could not be limited.
        let client_ip = caller.client_ip.ok_or_else(|| Error::NotSignedIn(caller.name.clone()))?;
        self.check_rate_limit(
            &caller.name,
            &caller.name,
            ClientInfo { client_ip, session_token: None, known_browser: None },
        )
        .await?;
        let (id, started_at) = (own_id(caller)?.to_owned(), std::time::Instant::now());
        let found = self.accounts.find(LookupOrigin::Request, &id).await?.map(|account| account.credentials);
        let hash = found.as_ref().and_then(|found| found.password_hash.as_deref());
        let is_active = found.as_ref().is_some_and(|found| found.is_active);
        if self.passwords.verify(hash, is_active, password, started_at).await? {
            return Ok(id);
        }
        self.journal.refuse(caller.actor(), Event::PasswordRefused).await?;
        Err(Error::WrongCredentials)
    }
}
