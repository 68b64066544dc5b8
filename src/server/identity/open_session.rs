//! Opens and ends the sessions of browsers.

use std::net::IpAddr;

use secrecy::{ExposeSecret, SecretString};

use super::accounts::Credentials;
use super::attempts::ClientInfo;
use super::digests::{credential_sha256, sha256_hex};
use super::{Error, Identity};
use crate::server::audit::{Actor, Event};
use crate::server::state::sessions::Session;
use crate::server::support::clock::rfc3339;
use crate::server::support::random::{new_token, new_uuid_v7};

/// The last step of sign-in that succeeded.
#[derive(Clone, Copy, Debug)]
pub enum CompletedStep {
    Password,
    /// Password and code.
    Code,
}

/// An account that has proven its password.
pub struct VerifiedAccount {
    id: String,
    name: String,
    /// Of the stored hash that the password matched.
    credential_sha256: String,
}

impl VerifiedAccount {
    /// `None` without a stored hash, which no password matches.
    pub fn of(credentials: &Credentials) -> Option<Self> {
        let hash = credentials.password_hash.as_deref()?;
        Some(Self {
            id: credentials.account_id.clone(),
            name: credentials.name.clone(),
            credential_sha256: credential_sha256(hash),
        })
    }

    /// The account of a session whose first step has succeeded.
    pub fn of_session(session: Session) -> Self {
        Self { id: session.account_id, name: session.email, credential_sha256: session.credential_sha256 }
    }
}

/// A new session: the token goes into the browser's cookie and nowhere else.
#[derive(Debug)]
pub struct NewSession {
    pub token: SecretString,
    /// The session gives no access until a second-factor code is entered.
    pub awaits_code: bool,
    /// Value of the known-browser cookie for the next sign-in.
    pub known_browser: String,
}

impl NewSession {
    /// The value of the session cookie.
    #[must_use]
    pub fn cookie_value(&self) -> &str {
        self.token.expose_secret()
    }
}

impl Identity {
    /// Opens a session for an account, in the place of the one that this browser has.
    pub(super) async fn open_session(
        &self,
        account: VerifiedAccount,
        client: ClientInfo<'_>,
        step: CompletedStep,
    ) -> Result<NewSession, Error> {
        let (token, now) = (new_token(&*self.random), rfc3339(self.clock.now()));
        let mut tx = self.accounts.state.begin().await?;
        // Read in this transaction: it may have been turned on since the password check.
        let factor = tx.second_factors().find(&account.id).await?;
        let has_second_factor = factor.is_some_and(|factor| factor.confirmed_at.is_some());
        let awaits_code = has_second_factor && matches!(step, CompletedStep::Password);
        let session = Session {
            token_sha256: sha256_hex(&token),
            credential_sha256: account.credential_sha256,
            account_id: account.id,
            email: account.name,
            created_at: now.clone(),
            last_seen_at: now,
            network: Some(client.client_ip.to_string()),
            awaits_code,
        };
        if let Some(old) = client.session_token {
            tx.sessions().remove(&sha256_hex(old)).await?;
        }
        tx.sessions().insert(&session).await?;
        let event = if awaits_code { Event::PasswordAccepted } else { Event::SignedIn };
        self.journal.commit(tx, Actor::remote(&session.email, client.client_ip), event).await?;
        if !awaits_code {
            tracing::info!(account = %session.account_id, network = %client.client_ip, "signed in");
        }
        let known_browser =
            self.known_browser_cookie(&new_uuid_v7(&*self.clock, &*self.random).to_string(), &session.email);
        Ok(NewSession { token: token.into(), awaits_code, known_browser })
    }

    /// Ends all sessions of the account, in every browser.
    ///
    /// # Errors
    /// `State` if the state cannot be read or written.
    pub async fn sign_out(&self, token: &str, client_ip: IpAddr) -> Result<(), Error> {
        let Some(session) = self.accounts.state.connect().await?.sessions().find(&sha256_hex(token)).await? else {
            return Ok(());
        };
        let mut tx = self.accounts.state.begin().await?;
        if session.awaits_code {
            // The password alone must not end the owner's sessions.
            tx.sessions().remove(&session.token_sha256).await?;
        } else {
            tx.sessions().remove_all_of_account(&session.account_id).await?;
        }
        Ok(self.journal.commit(tx, Actor::remote(&session.email, client_ip), Event::SignedOut).await?)
    }
}
