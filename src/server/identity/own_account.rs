//! Self-service for the signed-in account: password, second factor, other sessions. Every change to how the account
//! signs in asks for the password again (OWASP ASVS 5.0, 7.5.1).

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::{CODE_ENTRY_TIMEOUT, Caller, ClientInfo, Error, Identity, age, credential_sha256, policy, second_factor};
use crate::model::access::{AccountView, SecondFactorView};
use crate::model::form_error::FormError;
use crate::server::audit::Event;
use crate::server::state::accounts::LocalAccount;
use crate::server::state::second_factors::SecondFactor;
use crate::server::support::clock::rfc3339;
use crate::server::support::password::hash_argon2id;
use crate::server::support::random::new_token;

impl Identity {
    /// Returns what the account page shows.
    ///
    /// # Errors
    /// `State` if the state cannot be read; `SecondFactorUnusable` if the QR code cannot be made.
    pub async fn view_account(&self, caller: &Caller) -> Result<AccountView, Error> {
        let (id, state) = (own_id(caller)?, &self.accounts.state);
        let found = state.connect().await?.second_factors().find(id).await?;
        let second_factor = match found {
            Some(factor) if factor.confirmed_at.is_some() => SecondFactorView::On {
                recovery_codes_left: state.connect().await?.second_factors().count_unused_recovery_codes(id).await?,
            },
            Some(factor) if self.is_pending_enrolment(caller, &factor) => {
                SecondFactorView::Pending(second_factor::shared_secret(&factor.secret, &caller.name, &self.issuer)?)
            }
            Some(_) | None => SecondFactorView::Off,
        };
        let own_sessions = state
            .connect()
            .await?
            .sessions()
            .all()
            .await?
            .into_iter()
            .filter(|session| session.account_id == id && !session.awaits_code);
        Ok(AccountView {
            is_local: self.uses_local_accounts(),
            second_factor,
            is_second_factor_required: self.requires_second_factor,
            sessions: u32::try_from(own_sessions.count()).unwrap_or(u32::MAX),
        })
    }

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

    /// Creates a secret for an authenticator app. It has no effect until a first code confirms it.
    ///
    /// # Errors
    /// `WrongCredentials`; `Conflict` if the account has a second factor already.
    pub async fn begin_second_factor(&self, caller: &Caller, password: SecretString) -> Result<(), Error> {
        let id = self.verify_password(caller, password).await?;
        if self.has_second_factor(Some(&id)).await? {
            return Err(Error::Conflict("A second factor is already set up. Remove it first."));
        }
        let mut tx = self.accounts.state.begin().await?;
        let enrolment = SecondFactor {
            account_id: id,
            name: caller.name.clone(),
            secret: second_factor::new_secret(&*self.random),
            begun_at: rfc3339(self.clock.now()),
            session_token_sha256: current_session(caller)?.to_owned(),
            confirmed_at: None,
            last_step: 0,
        };
        tx.second_factors().insert_unconfirmed(&enrolment).await?;
        Ok(self.journal.commit(tx, caller.actor(), Event::SecondFactorBegun).await?)
    }

    /// Whether this session began the enrolment, less than `CODE_ENTRY_TIMEOUT` ago. A secret is shown and accepted only
    /// then, so that planting or finding one is useless to an attacker.
    fn is_pending_enrolment(&self, caller: &Caller, factor: &SecondFactor) -> bool {
        let is_own_session =
            caller.session_token_sha256.as_ref().is_some_and(|session| *session == factor.session_token_sha256);
        is_own_session && age(&factor.begun_at, self.clock.now()) < CODE_ENTRY_TIMEOUT
    }

    /// Turns the second factor on, ends the account's other sessions, and returns recovery codes, which are shown only
    /// once.
    ///
    /// # Errors
    /// `WrongCode`; `RateLimited`; `Conflict` if this session has not begun an enrolment, or too long ago;
    /// `SecondFactorUnusable` if no code can be checked.
    pub async fn confirm_second_factor(&self, caller: &Caller, code: &str) -> Result<Vec<String>, Error> {
        let id = own_id(caller)?;
        let enrolment = self.accounts.state.connect().await?.second_factors().find(id).await?;
        let enrolment =
            enrolment.filter(|factor| factor.confirmed_at.is_none() && self.is_pending_enrolment(caller, factor));
        if enrolment.is_none() || second_factor::recovery_code_digest(code).is_some() {
            return Err(if enrolment.is_none() {
                Error::Conflict("The set-up of the second factor has expired. Start it again.")
            } else {
                Error::WrongCode
            });
        }
        let (codes, digests) = second_factor::new_recovery_codes(&*self.random);
        let mut tx = self.accounts.state.begin().await?;
        self.accept_code(&mut *tx, id, code).await?;
        tx.second_factors().confirm(id, &rfc3339(self.clock.now())).await?;
        tx.second_factors().replace_recovery_codes(id, &digests).await?;
        tx.sessions().remove_others_of_account(id, current_session(caller)?).await?;
        self.journal.commit(tx, caller.actor(), Event::SecondFactorSet).await?;
        Ok(codes)
    }

    /// Replaces all recovery codes and returns the new ones.
    ///
    /// # Errors
    /// `WrongCredentials`; `Conflict` if the account has no second factor.
    pub async fn renew_recovery_codes(&self, caller: &Caller, password: SecretString) -> Result<Vec<String>, Error> {
        let id = self.verify_password(caller, password).await?;
        if !self.has_second_factor(Some(&id)).await? {
            return Err(Error::Conflict("No second factor is set up. Set one up first."));
        }
        let (codes, digests) = second_factor::new_recovery_codes(&*self.random);
        let mut tx = self.accounts.state.begin().await?;
        tx.second_factors().replace_recovery_codes(&id, &digests).await?;
        self.journal.commit(tx, caller.actor(), Event::RecoveryCodesRenewed).await?;
        Ok(codes)
    }

    /// Removes the second factor and ends other sessions. The password alone then signs in.
    ///
    /// # Errors
    /// `WrongCredentials` for the password.
    pub async fn remove_second_factor(&self, caller: &Caller, password: SecretString) -> Result<(), Error> {
        let id = self.verify_password(caller, password).await?;
        let mut tx = self.accounts.state.begin().await?;
        let is_removed = tx.second_factors().remove(&id).await?;
        if is_removed {
            tx.sessions().remove_others_of_account(&id, current_session(caller)?).await?;
        }
        let event = is_removed.then(|| Event::SecondFactorRemoved { account: caller.name.clone() });
        Ok(self.journal.commit_if(tx, caller.actor(), event).await?)
    }

    /// Ends the account's sessions in other browsers.
    ///
    /// # Errors
    /// `State` if the state cannot be written.
    pub async fn end_other_sessions(&self, caller: &Caller) -> Result<(), Error> {
        let id = own_id(caller)?;
        let mut tx = self.accounts.state.begin().await?;
        let count = tx.sessions().remove_others_of_account(id, current_session(caller)?).await?;
        let event = Event::SessionsEnded { account: caller.name.clone(), count };
        Ok(self.journal.commit(tx, caller.actor(), event).await?)
    }

    /// Checks the caller's password and returns the account's id. Counts as a sign-in attempt.
    async fn verify_password(&self, caller: &Caller, password: SecretString) -> Result<String, Error> {
        // An attempt that comes from nowhere could not be limited.
        let client_ip = caller.client_ip.ok_or_else(|| Error::NotSignedIn(caller.name.clone()))?;
        self.check_rate_limit(
            &caller.name,
            &caller.name,
            ClientInfo { client_ip, session_token: None, known_browser: None },
        )
        .await?;
        let (id, started_at) = (own_id(caller)?.to_owned(), std::time::Instant::now());
        let found = self.accounts.find(super::LookupOrigin::Request, &id).await?.map(|account| account.credentials);
        let hash = found.as_ref().and_then(|found| found.password_hash.as_deref());
        let is_active = found.as_ref().is_some_and(|found| found.is_active);
        if self.passwords.verify(hash, is_active, password, started_at).await? {
            return Ok(id);
        }
        self.journal.refuse(caller.actor(), Event::PasswordRefused).await?;
        Err(Error::WrongCredentials)
    }
}

/// The id of the caller's account. The command line has none.
fn own_id(caller: &Caller) -> Result<&str, Error> {
    caller.account_id().ok_or_else(|| Error::NotSignedIn(caller.name.clone()))
}

/// SHA-256 of the token of the request's session.
fn current_session(caller: &Caller) -> Result<&str, Error> {
    caller.session_token_sha256.as_deref().ok_or_else(|| Error::NotSignedIn(caller.name.clone()))
}

/// Hashes a password on a blocking thread. Of the salt, whose length does not matter, the digest is used.
pub(super) async fn hash_password(password: SecretString, salt: String) -> Result<String, Error> {
    let task = tokio::task::spawn_blocking(move || {
        let salt: [u8; 32] = Sha256::digest(salt).into();
        hash_argon2id(password.expose_secret(), &salt)
    });
    task.await.map_err(|_| Error::TaskPanicked)
}
