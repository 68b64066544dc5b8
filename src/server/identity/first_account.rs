//! First-run set-up: the first local account, created with the code that the server prints at start.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;

use super::local_accounts::Operator;
use super::{ClientInfo, Error, Identity, second_factor, sha256_hex};
use crate::server::audit::Event;
use crate::server::support::random::new_typeable_code;

/// 80 bits: cannot be guessed within an hour, as attempts are limited per network.
const SETUP_CODE_CHARS: usize = 16;
/// Short, so that a code found in a log later is useless.
const SETUP_CODE_TTL: TimeDelta = TimeDelta::hours(1);

/// Digest and expiry of the code, until it is used.
#[derive(Debug, Default)]
pub struct SetupCode(Mutex<Option<(String, DateTime<Utc>)>>);

impl Identity {
    /// Whether accounts are local and there is none yet.
    ///
    /// # Errors
    /// `State` if the state cannot be read.
    pub async fn needs_first_account(&self) -> Result<bool, Error> {
        Ok(self.uses_local_accounts() && !self.accounts.state.has_accounts().await?)
    }

    /// Issues a code for the set-up page if accounts are local and there is none yet.
    ///
    /// # Errors
    /// `State` if the state cannot be read.
    pub async fn issue_setup_code(&self) -> Result<Option<SecretString>, Error> {
        if !self.needs_first_account().await? {
            return Ok(None);
        }
        let code = new_typeable_code(&*self.random, SETUP_CODE_CHARS);
        let expires_at = self.clock.now() + SETUP_CODE_TTL;
        *self.setup_code.0.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((sha256_hex(&second_factor::normalise_code(&code)), expires_at));
        Ok(Some(code.into()))
    }

    /// Creates the first account. The code is used up only if that succeeds.
    ///
    /// # Errors
    /// `InvalidSetupCode` if the code is wrong, used or expired, or an account exists; `RateLimited`; `Invalid` for a name or
    /// password that the policy refuses.
    pub async fn create_first_account(
        &self,
        code: &str,
        name: &str,
        password: SecretString,
        client_ip: IpAddr,
    ) -> Result<(), Error> {
        self.check_rate_limit("unknown", "set-up", ClientInfo { client_ip, session_token: None, known_browser: None })
            .await?;
        let (digest, now) = (sha256_hex(&second_factor::normalise_code(code)), self.clock.now());
        // Taken before the next await: of two concurrent requests, only one gets it.
        let is_valid = |(issued, expires_at): &mut (String, DateTime<Utc>)| *issued == digest && now < *expires_at;
        let issued_code = self.setup_code.0.lock().unwrap_or_else(PoisonError::into_inner).take_if(is_valid);
        if issued_code.is_none() || self.accounts.state.has_accounts().await? {
            self.record_refusal("unknown", Some(client_ip), Event::SetupRefused).await?;
            return Err(Error::InvalidSetupCode);
        }
        let operator = Operator {
            state: &self.accounts.state,
            clock: &*self.clock,
            name: "set-up code",
            client_ip: Some(client_ip),
        };
        let added = operator.upsert(&*self.random, name, password).await;
        if added.is_err() {
            *self.setup_code.0.lock().unwrap_or_else(PoisonError::into_inner) = issued_code;
        }
        added.map(drop)
    }
}
