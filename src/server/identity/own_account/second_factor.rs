//! Sets up, renews and removes the second factor of an account.

use secrecy::SecretString;

use super::super::session_age::{CODE_ENTRY_TIMEOUT, age};
use super::super::{Caller, Error, Identity, second_factor};
use super::{current_session, own_id};
use crate::server::audit::Event;
use crate::server::state::second_factors::SecondFactor;
use crate::server::support::clock::rfc3339;

impl Identity {
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
    pub(super) fn is_pending_enrolment(&self, caller: &Caller, factor: &SecondFactor) -> bool {
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
}
