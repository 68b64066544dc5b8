//! Adds, lists, disables and removes local accounts.

use secrecy::SecretString;

use super::super::error::Error;
use super::super::passwords::hash_password;
use super::super::policy;
use super::Operator;
use crate::server::audit::Event;
use crate::server::state::accounts::LocalAccount;
use crate::server::support::clock::rfc3339;
use crate::server::support::random::{Random, new_token, new_uuid_v7};

/// An account as `waybill user list` shows it.
#[derive(Clone, Debug)]
pub struct AccountSummary {
    pub account: LocalAccount,
    pub has_second_factor: bool,
    /// Number of signed-in browsers.
    pub sessions: usize,
}

impl Operator {
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

    async fn find_account(&self, name: &str) -> Result<LocalAccount, Error> {
        let account = self.state.connect().await?.accounts().find_by_name(name.trim()).await?;
        account.ok_or_else(|| Error::AccountNotFound(name.trim().to_owned()))
    }
}
