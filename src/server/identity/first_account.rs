//! First-run set-up: the first local account, created with the code that the server prints at start.

use std::net::IpAddr;

use secrecy::SecretString;

use super::attempts::ClientInfo;
use super::local_accounts::Operator;
use super::{Error, Identity};
use crate::server::audit::{Actor, Event};

impl Identity {
    /// Whether accounts are local and there is none yet.
    ///
    /// # Errors
    /// `State` if the state cannot be read.
    pub async fn needs_first_account(&self) -> Result<bool, Error> {
        Ok(self.uses_local_accounts() && !self.accounts.state.connect().await?.accounts().exist().await?)
    }

    /// Issues a code for the set-up page if accounts are local and there is none yet.
    ///
    /// # Errors
    /// `State` if the state cannot be read.
    pub async fn issue_setup_code(&self) -> Result<Option<SecretString>, Error> {
        if !self.needs_first_account().await? {
            return Ok(None);
        }
        Ok(Some(self.setup_code.issue(&*self.random, self.clock.now()).into()))
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
        let issued_code = self.setup_code.take(code, self.clock.now());
        if issued_code.is_none() || self.accounts.state.connect().await?.accounts().exist().await? {
            self.journal.refuse(Actor::remote("unknown", client_ip), Event::SetupRefused).await?;
            return Err(Error::InvalidSetupCode);
        }
        let operator = Operator {
            state: self.accounts.state.clone(),
            journal: self.journal.clone(),
            clock: self.clock.clone(),
            name: "set-up code".to_owned(),
            network: Some(client_ip),
        };
        let added = operator.upsert(&*self.random, name, password).await;
        if let (Some(code), Err(_)) = (issued_code, &added) {
            self.setup_code.put_back(code);
        }
        added.map(drop)
    }
}
