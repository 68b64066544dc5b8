//! Administration of local accounts, second factors and sessions from the command line. They are stored in Waybill's
//! state, so no source is needed.

use std::net::IpAddr;

use secrecy::SecretString;

use super::error::Error;
use super::own_account::hash_password;
use super::policy;
use crate::server::audit::{self, Entry, Event};
use crate::server::state::{SourceState, Tx, accounts, accounts::LocalAccount, second_factors, sessions};
use crate::server::support::clock::{Clock, rfc3339};
use crate::server::support::random::{Random, new_token, new_uuid_v7};

/// Changes accounts on behalf of an operator, whom the audit trail names.
#[derive(Clone, Copy)]
pub struct Operator<'a> {
    pub state: &'a SourceState,
    pub clock: &'a dyn Clock,
    /// The actor in the audit trail: `cli:<system user>` or `set-up code`.
    pub name: &'a str,
    /// The client's address, for requests over the network.
    pub client_ip: Option<IpAddr>,
}

/// An account as `waybill user list` shows it.
#[derive(Clone, Debug)]
pub struct AccountSummary {
    pub account: LocalAccount,
    pub has_second_factor: bool,
    /// Number of signed-in browsers.
    pub sessions: usize,
}

/// A signed-in browser as `waybill user sessions` shows it.
#[derive(Clone, Debug)]
pub struct SessionSummary {
    pub name: String,
    pub network: Option<String>,
    pub created_at: String,
    pub last_seen_at: String,
}

impl Operator<'_> {
    /// Adds an account, or changes the password of an existing one and ends its sessions.
    ///
    /// # Errors
    /// `Invalid` for a name or password that the policy refuses; `AccountNotFound` if the account is removed meanwhile;
    /// `State` if the state cannot be read or written.
    pub async fn upsert(&self, random: &dyn Random, name: &str, password: SecretString) -> Result<LocalAccount, Error> {
        let name = name.trim();
        policy::check_name(name)?;
        policy::check_password(name, &password)?;
        let password_hash = hash_password(password, new_token(random)).await?;
        let existing = self.state.account_by_name(name).await?;
        let is_new = existing.is_none();
        let account = match existing {
            Some(known) => LocalAccount { password_hash, ..known },
            None => LocalAccount {
                id: format!("local:{}", new_uuid_v7(self.clock, random)),
                name: name.to_owned(),
                password_hash,
                created_at: rfc3339(self.clock.now()),
                disabled_at: None,
            },
        };
        let mut tx = self.state.begin().await?;
        if is_new {
            accounts::insert(&mut tx, &account).await?;
        } else if !accounts::set_password(&mut tx, &account.id, &account.password_hash).await? {
            return Err(Error::AccountNotFound(account.name));
        }
        sessions::remove_all_of_account(&mut tx, &account.id).await?;
        self.record_event(&mut tx, Event::AccountPut { account: account.name.clone() }).await?;
        tx.commit().await?;
        Ok(account)
    }

    /// Lists the local accounts.
    ///
    /// # Errors
    /// `State` if the state cannot be read.
    pub async fn list(&self) -> Result<Vec<AccountSummary>, Error> {
        let (factors, sessions) = (self.state.second_factors().await?, self.state.sessions().await?);
        let summaries = self.state.accounts().await?.into_iter().map(|account| AccountSummary {
            has_second_factor: factors.iter().any(|one| one.account_id == account.id && one.confirmed_at.is_some()),
            sessions: sessions.iter().filter(|one| one.account_id == account.id && !one.awaits_code).count(),
            account,
        });
        Ok(summaries.collect())
    }

    /// Disables an account: it cannot sign in, its sessions end and its exports stop.
    ///
    /// # Errors
    /// `AccountNotFound` if no local account has that name.
    pub async fn disable(&self, name: &str) -> Result<(), Error> {
        let account = self.find_account(name).await?;
        let mut tx = self.state.begin().await?;
        accounts::set_disabled(&mut tx, &account.id, Some(&rfc3339(self.clock.now()))).await?;
        sessions::remove_all_of_account(&mut tx, &account.id).await?;
        self.record_event(&mut tx, Event::AccountDisabled { account: account.name }).await?;
        Ok(tx.commit().await?)
    }

    /// # Errors
    /// `AccountNotFound` if no local account has that name.
    pub async fn enable(&self, name: &str) -> Result<(), Error> {
        let account = self.find_account(name).await?;
        let mut tx = self.state.begin().await?;
        accounts::set_disabled(&mut tx, &account.id, None).await?;
        self.record_event(&mut tx, Event::AccountEnabled { account: account.name }).await?;
        Ok(tx.commit().await?)
    }

    /// Removes an account. Its history and audit trail are kept.
    ///
    /// # Errors
    /// `AccountNotFound` if no local account has that name.
    pub async fn remove(&self, name: &str) -> Result<(), Error> {
        let account = self.find_account(name).await?;
        let mut tx = self.state.begin().await?;
        second_factors::remove(&mut tx, &account.id).await?;
        sessions::remove_all_of_account(&mut tx, &account.id).await?;
        accounts::remove(&mut tx, &account.id).await?;
        self.record_event(&mut tx, Event::AccountRemoved { account: account.name }).await?;
        Ok(tx.commit().await?)
    }

    /// Removes a second factor whose owner has lost app and recovery codes, and ends the account's sessions. Also for
    /// accounts of the application.
    ///
    /// # Errors
    /// `SecondFactorNotFound` if no account of that name has one, or if several names differ only by case.
    pub async fn reset_second_factor(&self, name: &str) -> Result<(), Error> {
        let factors = self.state.second_factors().await?;
        let exact = factors.iter().find(|factor| factor.name == name.trim());
        let mut case_insensitive = factors.iter().filter(|factor| factor.name.eq_ignore_ascii_case(name.trim()));
        // Names that differ only by case belong to two people.
        let factor = match (exact, case_insensitive.next(), case_insensitive.next()) {
            (Some(factor), ..) | (None, Some(factor), None) => factor,
            (None, None, _) => return Err(Error::SecondFactorNotFound(name.trim().to_owned())),
            (None, Some(one), Some(other)) => {
                let choices = format!("{}: write {} or {}", name.trim(), one.name, other.name);
                return Err(Error::SecondFactorNotFound(choices));
            }
        };
        let mut tx = self.state.begin().await?;
        second_factors::remove(&mut tx, &factor.account_id).await?;
        sessions::remove_all_of_account(&mut tx, &factor.account_id).await?;
        self.record_event(&mut tx, Event::SecondFactorRemoved { account: factor.name.clone() }).await?;
        Ok(tx.commit().await?)
    }

    /// Lists signed-in browsers, of one name or all, newest first. Includes accounts of the application.
    ///
    /// # Errors
    /// `State` if the state cannot be read.
    pub async fn sessions(&self, name: Option<&str>) -> Result<Vec<SessionSummary>, Error> {
        let sessions = self.state.sessions().await?.into_iter().filter(|session| !session.awaits_code);
        let sessions = sessions.filter(|session| name.is_none_or(|name| session.email.eq_ignore_ascii_case(name)));
        Ok(sessions
            .map(|session| SessionSummary {
                name: session.email,
                network: session.network,
                created_at: session.created_at,
                last_seen_at: session.last_seen_at,
            })
            .collect())
    }

    /// Ends the sessions of one name or all, and returns how many.
    ///
    /// # Errors
    /// `NotSignedIn` if the name has no session; `State` if the state cannot be written.
    pub async fn end_sessions(&self, name: Option<&str>) -> Result<u64, Error> {
        let sessions = self.state.sessions().await?;
        let mut tx = self.state.begin().await?;
        let Some(name) = name else {
            let count = sessions::remove_all(&mut tx).await?;
            self.record_event(&mut tx, Event::SessionsEnded { account: "everybody".into(), count }).await?;
            tx.commit().await?;
            return Ok(count);
        };
        let mut count = 0;
        for session in sessions {
            if session.email.eq_ignore_ascii_case(name) {
                count += u64::from(sessions::remove(&mut tx, &session.token_sha256).await?);
            }
        }
        if count == 0 {
            return Err(Error::NotSignedIn(name.to_owned()));
        }
        self.record_event(&mut tx, Event::SessionsEnded { account: name.to_owned(), count }).await?;
        tx.commit().await?;
        Ok(count)
    }

    async fn find_account(&self, name: &str) -> Result<LocalAccount, Error> {
        let account = self.state.account_by_name(name.trim()).await?;
        account.ok_or_else(|| Error::AccountNotFound(name.trim().to_owned()))
    }

    async fn record_event(&self, tx: &mut Tx, event: Event) -> Result<(), Error> {
        let at = rfc3339(self.clock.now());
        audit::append(tx, &Entry { at, actor: self.name, network: self.client_ip, export: None, event }).await?;
        Ok(())
    }
}
