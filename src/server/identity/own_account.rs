//! Self-service for the signed-in account: password, second factor, other sessions. Every change to how the account
//! signs in asks for the password again (OWASP ASVS 5.0, 7.5.1).

use std::net::{IpAddr, Ipv4Addr};

use secrecy::{ExposeSecret, SecretString};

use super::{Caller, Error, FOR_THE_CODE, Identity, Visit, age, credential, policy, second_factor};
use crate::model::access::{AccountView, SecondFactorView};
use crate::model::form_problem::FormProblem;
use crate::server::audit::Event;
use crate::server::state::second_factors::SecondFactor;
use crate::server::state::{accounts, second_factors, sessions};
use crate::server::support::clock::rfc3339;
use crate::server::support::password::hash;
use crate::server::support::random::token;

impl Identity {
    /// Returns what the account page shows.
    ///
    /// # Errors
    /// `State` if the state cannot be read; `Lost` if the QR code cannot be made.
    pub async fn view_account(&self, caller: &Caller) -> Result<AccountView, Error> {
        let (id, state) = (caller.account_id.as_deref().unwrap_or_default(), &self.accounts.state);
        let second_factor = match state.second_factor(id).await? {
            Some(factor) if factor.confirmed_at.is_some() => {
                SecondFactorView::On { recovery_codes_left: state.recovery_codes_left(id).await? }
            }
            Some(factor) if self.was_begun_by(caller, &factor) => {
                SecondFactorView::Begun(second_factor::shared(&factor.secret, &caller.name, &self.issuer)?)
            }
            Some(_) | None => SecondFactorView::Off,
        };
        let own =
            state.sessions().await?.into_iter().filter(|session| session.account_id == id && !session.awaits_code);
        Ok(AccountView {
            is_local: self.is_local(),
            second_factor,
            is_second_factor_required: self.requires_second_factor,
            sessions: u32::try_from(own.count()).unwrap_or(u32::MAX),
        })
    }

    /// Changes the password of a local account and ends its other sessions.
    ///
    /// # Errors
    /// `WrongCredentials` for the old password; `Unusable` for the new one; `NotNow` if the application stores the
    /// password.
    pub async fn change_password(&self, caller: &Caller, old: SecretString, new: SecretString) -> Result<(), Error> {
        if !self.is_local() {
            return Err(Error::NotNow("The application keeps this password: change it there."));
        }
        let old_again = old.expose_secret() == new.expose_secret();
        let id = self.ask_password(caller, old).await?;
        if old_again {
            return Err(Error::Unusable(FormProblem::Same));
        }
        policy::check_password(&caller.name, &new)?;
        let state = &self.accounts.state;
        let account = state.account_by_id(&id).await?.ok_or(Error::WrongCredentials)?;
        let account = accounts::LocalAccount { password_hash: hashed(new, token(&*self.random)).await?, ..account };
        let mut tx = state.begin().await?;
        if !accounts::set_password(&mut tx, &account.id, &account.password_hash).await? {
            return Err(Error::WrongCredentials);
        }
        sessions::remove_all_of_but(&mut tx, &id, current(caller)).await?;
        sessions::rebind(&mut tx, current(caller), &credential(Some(&account.password_hash))).await?;
        self.note(&mut tx, &caller.name, caller.network, Event::PasswordChanged).await?;
        Ok(tx.commit().await?)
    }

    /// Creates a secret for an authenticator app. It has no effect until a first code confirms it.
    ///
    /// # Errors
    /// `WrongCredentials`; `NotNow` if the account has a second factor already.
    pub async fn begin_second_factor(&self, caller: &Caller, password: SecretString) -> Result<(), Error> {
        let id = self.ask_password(caller, password).await?;
        if self.has_second_factor(Some(&id)).await? {
            return Err(Error::NotNow("There is a second factor already: remove it first."));
        }
        let mut tx = self.accounts.state.begin().await?;
        let begun = SecondFactor {
            account_id: id,
            name: caller.name.clone(),
            secret: second_factor::new_secret(&*self.random),
            begun_at: rfc3339(self.clock.now()),
            begun_in: current(caller).to_owned(),
            confirmed_at: None,
            last_step: 0,
        };
        second_factors::begin(&mut tx, &begun).await?;
        self.note(&mut tx, &caller.name, caller.network, Event::SecondFactorBegun).await?;
        Ok(tx.commit().await?)
    }

    /// Whether this session began the enrolment, less than `FOR_THE_CODE` ago. A secret is shown and accepted only
    /// then, so that planting or finding one is useless to an attacker.
    fn was_begun_by(&self, caller: &Caller, factor: &SecondFactor) -> bool {
        let is_own = caller.session.as_ref().is_some_and(|session| *session == factor.begun_in);
        is_own && age(&factor.begun_at, self.clock.now()) < FOR_THE_CODE
    }

    /// Turns the second factor on, ends the account's other sessions, and returns recovery codes, which are shown only
    /// once.
    ///
    /// # Errors
    /// `WrongCode`; `TooMany`; `NotNow` if this session has not begun an enrolment, or too long ago.
    pub async fn confirm_second_factor(&self, caller: &Caller, code: &str) -> Result<Vec<String>, Error> {
        let id = caller.account_id.as_deref().unwrap_or_default();
        let begun = self.accounts.state.second_factor(id).await?;
        let begun = begun.filter(|factor| factor.confirmed_at.is_none() && self.was_begun_by(caller, factor));
        if begun.is_none() || second_factor::recovery_digest(code).is_some() {
            return Err(if begun.is_none() { Error::NotNow("Begin anew.") } else { Error::WrongCode });
        }
        let (codes, digests) = second_factor::new_recovery_codes(&*self.random);
        let mut tx = self.accounts.state.begin().await?;
        self.accept_code(&mut tx, id, code).await?;
        second_factors::confirm(&mut tx, id, &rfc3339(self.clock.now())).await?;
        second_factors::replace_recovery_codes(&mut tx, id, &digests).await?;
        sessions::remove_all_of_but(&mut tx, id, current(caller)).await?;
        self.note(&mut tx, &caller.name, caller.network, Event::SecondFactorSet).await?;
        tx.commit().await?;
        Ok(codes)
    }

    /// Replaces all recovery codes and returns the new ones.
    ///
    /// # Errors
    /// `WrongCredentials`; `NotNow` if the account has no second factor.
    pub async fn renew_recovery_codes(&self, caller: &Caller, password: SecretString) -> Result<Vec<String>, Error> {
        let id = self.ask_password(caller, password).await?;
        if !self.has_second_factor(Some(&id)).await? {
            return Err(Error::NotNow("There is no second factor: set one up first."));
        }
        let (codes, digests) = second_factor::new_recovery_codes(&*self.random);
        let mut tx = self.accounts.state.begin().await?;
        second_factors::replace_recovery_codes(&mut tx, &id, &digests).await?;
        self.note(&mut tx, &caller.name, caller.network, Event::RecoveryCodesRenewed).await?;
        tx.commit().await?;
        Ok(codes)
    }

    /// Removes the second factor and ends other sessions. The password alone then signs in.
    ///
    /// # Errors
    /// `WrongCredentials` for the password.
    pub async fn remove_second_factor(&self, caller: &Caller, password: SecretString) -> Result<(), Error> {
        let id = self.ask_password(caller, password).await?;
        let mut tx = self.accounts.state.begin().await?;
        if second_factors::remove(&mut tx, &id).await? {
            sessions::remove_all_of_but(&mut tx, &id, current(caller)).await?;
            let event = Event::SecondFactorRemoved { account: caller.name.clone() };
            self.note(&mut tx, &caller.name, caller.network, event).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Ends the account's sessions in other browsers.
    ///
    /// # Errors
    /// `State` if the state cannot be written.
    pub async fn end_other_sessions(&self, caller: &Caller) -> Result<(), Error> {
        let id = caller.account_id.as_deref().unwrap_or_default();
        let mut tx = self.accounts.state.begin().await?;
        let count = sessions::remove_all_of_but(&mut tx, id, current(caller)).await?;
        let event = Event::SessionsEnded { account: caller.name.clone(), count };
        self.note(&mut tx, &caller.name, caller.network, event).await?;
        Ok(tx.commit().await?)
    }

    /// Checks the caller's password and returns the account's id. Counts as a sign-in attempt.
    async fn ask_password(&self, caller: &Caller, password: SecretString) -> Result<String, Error> {
        let network = caller.network.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        self.limit(&caller.name, &caller.name, Visit { network, token: None, known: None }).await?;
        let (id, begun) = (caller.account_id.clone().unwrap_or_default(), std::time::Instant::now());
        let found = self.accounts.find(super::Asker::Visitor, &id).await?.map(|account| account.credentials);
        let hash = found.as_ref().and_then(|found| found.password_hash.as_deref());
        let is_active = found.as_ref().is_some_and(|found| found.is_active);
        if self.passwords.matches(hash, is_active, password, begun).await? {
            return Ok(id);
        }
        self.refuse(&caller.name, caller.network, Event::PasswordRefused).await?;
        Err(Error::WrongCredentials)
    }
}

/// SHA-256 of the token of the request's session.
fn current(caller: &Caller) -> &str {
    caller.session.as_deref().unwrap_or_default()
}

/// Hashes a password on a blocking thread.
pub(super) async fn hashed(password: SecretString, salt: String) -> Result<String, Error> {
    let hashed = tokio::task::spawn_blocking(move || {
        let salt = salt.as_bytes().first_chunk::<32>().copied().unwrap_or_default();
        hash(password.expose_secret(), &salt)
    });
    hashed.await.map_err(|_| Error::Lost)
}
