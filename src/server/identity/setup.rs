//! The first account of Waybill's own, for whoever has the code that the server printed when it started.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;

use super::local_accounts::Operator;
use super::{Error, Identity, Visit, digest, second_factor};
use crate::server::audit::Event;
use crate::server::support::random::typeable;

/// 80 bits: with attempts counted per network, nobody guesses it in an hour.
const LETTERS: usize = 16;
/// Whoever finds it in a log later finds nothing.
const GOOD_FOR: TimeDelta = TimeDelta::hours(1);

/// The code's digest and its end, while it has not been used.
#[derive(Debug, Default)]
pub struct SetupCode(Mutex<Option<(String, DateTime<Utc>)>>);

impl Identity {
    /// Whether accounts are Waybill's own and there is none yet.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn needs_first_account(&self) -> Result<bool, Error> {
        Ok(self.is_local() && !self.accounts.state.has_accounts().await?)
    }

    /// A code for the set-up page, where accounts are Waybill's own and there is none yet.
    ///
    /// # Errors
    /// When the state cannot be read.
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

    /// Makes the first account. The code is used up when that has worked.
    ///
    /// # Errors
    /// `SetupOver`, `TooMany`, `Unusable` for a name or password that will not do.
    pub async fn set_up(&self, code: &str, name: &str, password: SecretString, network: IpAddr) -> Result<(), Error> {
        self.limit("unknown", "set-up", Visit { network, token: None, known: None }).await?;
        let (digest, now) = (digest(&second_factor::normal(code)), self.clock.now());
        // Taken before anything is awaited: of two at the same moment, one finds it gone.
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
