//! Administration of local accounts, second factors and sessions from the command line. They are stored in Waybill's
//! state, so no source is needed.

use std::net::IpAddr;
use std::sync::Arc;

use secrecy::SecretString;

use super::error::Error;
use super::own_account::hash_password;
use super::policy;
use crate::server::audit::{Actor, Event, Journal};
use crate::server::state::SourceState;
use crate::server::state::accounts::LocalAccount;
use crate::server::support::clock::{Clock, rfc3339};
use crate::server::support::random::{Random, new_token, new_uuid_v7};

/// Changes accounts on behalf of an operator, whom the audit trail names.
pub struct Operator {
    pub(super) state: SourceState,
    pub(super) journal: Journal,
    pub(super) clock: Arc<dyn Clock>,
    /// In the audit trail: `cli:<system user>` or `set-up code`.
    pub(super) name: String,
    /// Where the request came from, if it came over the network.
    pub(super) network: Option<IpAddr>,
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

impl Operator {
    /// An operator on this machine, who administers the accounts of this state.
    #[must_use]
    pub fn new(state: SourceState, name: String, clock: Arc<dyn Clock>) -> Self {
        Self { journal: Journal::new(state.clone(), clock.clone()), state, clock, name, network: None }
    }

    /// Whether the accounts belong to a source already, and not to the first one that is served.
    #[must_use]
    pub fn has_source(&self) -> bool {
        self.state.source_id().is_some()
    }

    fn actor(&self) -> Actor<'_> {
        Actor { name: &self.name, network: self.network }
    }

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
        let existing = self.state.connect().await?.accounts().find_by_name(name).await?;
        let is_new = existing.is_none();
        let account = match existing {
            Some(known) => LocalAccount { password_hash, ..known },
            None => LocalAccount {
                id: format!("local:{}", new_uuid_v7(&*self.clock, random)),
                name: name.to_owned(),
                password_hash,
                created_at: rfc3339(self.clock.now()),
                disabled_at: None,
            },
        };
        let mut tx = self.state.begin().await?;
        if is_new {
            tx.accounts().insert(&account).await?;
        } else if !tx.accounts().set_password(&account.id, &account.password_hash).await? {
            return Err(Error::AccountNotFound(account.name));
        }
        tx.sessions().remove_all_of_account(&account.id).await?;
        self.journal.commit(tx, self.actor(), Event::AccountPut { account: account.name.clone() }).await?;
        Ok(account)
    }

    /// Lists the local accounts.
    ///
    /// # Errors
    /// `State` if the state cannot be read.
    pub async fn list(&self) -> Result<Vec<AccountSummary>, Error> {
        let (factors, sessions) = (
            self.state.connect().await?.second_factors().all().await?,
            self.state.connect().await?.sessions().all().await?,
        );
        let summaries = self.state.connect().await?.accounts().all().await?.into_iter().map(|account| AccountSummary {
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
        tx.accounts().set_disabled(&account.id, Some(&rfc3339(self.clock.now()))).await?;
        tx.sessions().remove_all_of_account(&account.id).await?;
        Ok(self.journal.commit(tx, self.actor(), Event::AccountDisabled { account: account.name }).await?)
    }

    /// # Errors
    /// `AccountNotFound` if no local account has that name.
    pub async fn enable(&self, name: &str) -> Result<(), Error> {
        let account = self.find_account(name).await?;
        let mut tx = self.state.begin().await?;
        tx.accounts().set_disabled(&account.id, None).await?;
        Ok(self.journal.commit(tx, self.actor(), Event::AccountEnabled { account: account.name }).await?)
    }

    /// Removes an account. Its history and audit trail are kept.
    ///
    /// # Errors
    /// `AccountNotFound` if no local account has that name.
    pub async fn remove(&self, name: &str) -> Result<(), Error> {
        let account = self.find_account(name).await?;
        let mut tx = self.state.begin().await?;
        tx.second_factors().remove(&account.id).await?;
        tx.sessions().remove_all_of_account(&account.id).await?;
        tx.accounts().remove(&account.id).await?;
        Ok(self.journal.commit(tx, self.actor(), Event::AccountRemoved { account: account.name }).await?)
    }

    /// Removes a second factor whose owner has lost app and recovery codes, and ends the account's sessions. Also for
    /// accounts of the application.
    ///
    /// # Errors
    /// `SecondFactorNotFound` if no account of that name has one, or if several names differ only by case.
    pub async fn reset_second_factor(&self, name: &str) -> Result<(), Error> {
        let factors = self.state.connect().await?.second_factors().all().await?;
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
        tx.second_factors().remove(&factor.account_id).await?;
        tx.sessions().remove_all_of_account(&factor.account_id).await?;
        Ok(self.journal.commit(tx, self.actor(), Event::SecondFactorRemoved { account: factor.name.clone() }).await?)
    }

    /// Lists signed-in browsers, of one name or all, newest first. Includes accounts of the application.
    ///
    /// # Errors
    /// `State` if the state cannot be read.
    pub async fn sessions(&self, name: Option<&str>) -> Result<Vec<SessionSummary>, Error> {
        let sessions =
            self.state.connect().await?.sessions().all().await?.into_iter().filter(|session| !session.awaits_code);
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
        let sessions = self.state.connect().await?.sessions().all().await?;
        let mut tx = self.state.begin().await?;
        let Some(name) = name else {
            let count = tx.sessions().remove_all().await?;
            self.journal.commit(tx, self.actor(), Event::SessionsEnded { account: "everybody".into(), count }).await?;
            return Ok(count);
        };
        let mut count = 0;
        for session in sessions {
            if session.email.eq_ignore_ascii_case(name) {
                count += u64::from(tx.sessions().remove(&session.token_sha256).await?);
            }
        }
        if count == 0 {
            return Err(Error::NotSignedIn(name.to_owned()));
        }
        self.journal.commit(tx, self.actor(), Event::SessionsEnded { account: name.to_owned(), count }).await?;
        Ok(count)
    }

    async fn find_account(&self, name: &str) -> Result<LocalAccount, Error> {
        let account = self.state.connect().await?.accounts().find_by_name(name.trim()).await?;
        account.ok_or_else(|| Error::AccountNotFound(name.trim().to_owned()))
    }
}
