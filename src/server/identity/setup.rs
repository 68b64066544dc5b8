//! The first account of Waybill's own: by the command line, or by a link that works once.

use std::sync::{Mutex, PoisonError};

use secrecy::{ExposeSecret, SecretString};

use super::{Error, Identity, digest};
use crate::server::audit::{self, Entry, Event};
use crate::server::state::{State, accounts, accounts::LocalAccount, sessions};
use crate::server::support::clock::{Clock, rfc3339};
use crate::server::support::password::hash;
use crate::server::support::random::{Random, token, uuid};

/// NIST SP 800-63B, 3.1.1.2: at least 15 characters where a password is all there is; we ask for 12,
/// as the accounts are few and their sign-ins rate-limited.
const SHORTEST_PASSWORD: usize = 12;

/// The digest of the link's token, while it has not been used.
#[derive(Debug, Default)]
pub struct SetupLink(Mutex<Option<String>>);

impl Identity {
    /// A token for the set-up link, where accounts are Waybill's own and there is none yet.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn offer_setup(&self) -> Result<Option<SecretString>, Error> {
        if !self.accounts.are_local() || self.accounts.state.has_accounts().await? {
            return Ok(None);
        }
        let token = token(&*self.random);
        *self.setup.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(digest(&token));
        Ok(Some(token.into()))
    }

    /// Makes the first account. The link is used up when that has worked.
    ///
    /// # Errors
    /// `LinkUsed`, `Unusable` for a name or password that will not do.
    pub async fn set_up(&self, token: &str, name: &str, password: SecretString) -> Result<(), Error> {
        // Taken before anything is awaited: of two at the same moment, one finds it gone.
        let digest = digest(token);
        let offer = self.setup.0.lock().unwrap_or_else(PoisonError::into_inner).take_if(|offered| *offered == digest);
        if offer.is_none() || self.accounts.state.has_accounts().await? {
            return Err(Error::LinkUsed);
        }
        let state = &self.accounts.state;
        let added = put_admin(state, &*self.clock, &*self.random, name, password, "set-up link").await;
        if added.is_err() {
            *self.setup.0.lock().unwrap_or_else(PoisonError::into_inner) = offer;
        }
        added
    }
}

/// Adds an account, or gives the one of that name another password and ends its sessions. Accounts of Waybill's own
/// live in its state alone: no source is needed.
///
/// # Errors
/// `Unusable` for a name or password that will not do, or when the state cannot be used.
pub async fn put_admin(
    state: &State,
    clock: &dyn Clock,
    random: &dyn Random,
    name: &str,
    password: SecretString,
    actor: &str,
) -> Result<(), Error> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
        return Err(Error::Unusable("A name has 1 to 100 characters."));
    }
    if password.expose_secret().chars().count() < SHORTEST_PASSWORD {
        return Err(Error::Unusable("A password has at least 12 characters."));
    }
    let known = state.account_by_name(name).await?;
    let id = known.map_or_else(|| format!("local:{}", uuid(clock, random)), |account| account.id);
    let salt = token(random);
    let password_hash = tokio::task::spawn_blocking(move || {
        let salt = salt.as_bytes().first_chunk::<16>().copied().unwrap_or_default();
        hash(password.expose_secret(), &salt)
    });
    let password_hash = password_hash.await.map_err(|_| Error::Lost)?;
    let at = rfc3339(clock.now());
    let account = LocalAccount { id, name: name.to_owned(), password_hash };
    let mut tx = state.begin().await?;
    accounts::put(&mut tx, &account, &at).await?;
    sessions::remove_all_of(&mut tx, &account.id).await?;
    let event = Event::AccountPut { account: account.name };
    audit::append(&mut tx, &Entry { at, actor, network: None, export: None, event }).await?;
    Ok(tx.commit().await?)
}
