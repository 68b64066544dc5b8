//! First-run set-up: the first local account, created with the code that the server prints at start.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;

use super::local_accounts::Operator;
use super::{Error, Identity, Visit, digest, second_factor};
use crate::server::audit::Event;
use crate::server::support::random::typeable;

/// 80 bits: cannot be guessed within an hour, as attempts are limited per network.
const LETTERS: usize = 16;
/// Short, so that a code found in a log later is useless.
const GOOD_FOR: TimeDelta = TimeDelta::hours(1);

/// Digest and expiry of the code, until it is used.
#[derive(Debug, Default)]
pub struct SetupCode(Mutex<Option<(String, DateTime<Utc>)>>);

impl Identity {
    /// Whether accounts are local and there is none yet.
    ///
    /// # Errors
    /// `State` if the state cannot be read.
    pub async fn needs_first_account(&self) -> Result<bool, Error> {
        Ok(self.is_local() && !self.accounts.state.has_accounts().await?)
    }

    /// Issues a code for the set-up page if accounts are local and there is none yet.
    ///
    /// # Errors
    /// `State` if the state cannot be read.
    pub async fn offer_setup(&self) -> Result<Option<SecretString>, Error> {
        if !self.needs_first_account().await? {
            return Ok(None);
        }
        let code = typeable(&*self.random, LETTERS);
        let end = self.clock.now() + GOOD_FOR;
        *self.setup.0.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((digest(&second_factor::normal(&code)), end));
        Ok(Some(code.into()))
    }

    /// Creates the first account. The code is used up only if that succeeds.
    ///
    /// # Errors
    /// `SetupOver` if the code is wrong, used or expired, or an account exists; `TooMany`; `Unusable` for a name or
    /// password that the policy refuses.
    pub async fn set_up(&self, code: &str, name: &str, password: SecretString, network: IpAddr) -> Result<(), Error> {
        self.limit("unknown", "set-up", Visit { network, token: None, known: None }).await?;
        let (digest, now) = (digest(&second_factor::normal(code)), self.clock.now());
        // Taken before the next await: of two concurrent requests, only one gets it.
        let is_it = |(offered, end): &mut (String, DateTime<Utc>)| *offered == digest && now < *end;
        let offer = self.setup.0.lock().unwrap_or_else(PoisonError::into_inner).take_if(is_it);
        if offer.is_none() || self.accounts.state.has_accounts().await? {
            self.refuse("unknown", Some(network), Event::SetupRefused).await?;
            return Err(Error::SetupOver);
        }
        let operator =
            Operator { state: &self.accounts.state, clock: &*self.clock, name: "set-up code", network: Some(network) };
        let added = operator.put(&*self.random, name, password).await;
        if added.is_err() {
            *self.setup.0.lock().unwrap_or_else(PoisonError::into_inner) = offer;
        }
        added.map(drop)
    }
}
