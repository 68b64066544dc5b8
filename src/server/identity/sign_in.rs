//! Sign-in, in one step or two, and sign-out.

use std::net::IpAddr;
use std::time::Instant;

use secrecy::{ExposeSecret, SecretString};

use super::rate_limits::network_prefix;
use super::{Credentials, Error, Identity, credential_sha256, second_factor, sha256_hex};
use crate::server::audit::{Actor, Event};
use crate::server::state::Tx;
use crate::server::state::sessions::Session;
use crate::server::support::clock::rfc3339;
use crate::server::support::random::{new_token, new_uuid_v7};

/// In bytes: the longest e-mail address (RFC 5321, 4.5.3.1.3). Longer names are never looked up.
const MAX_NAME_BYTES: usize = 254;

/// The client that a request comes from.
#[derive(Clone, Copy, Debug)]
pub struct ClientInfo<'a> {
    pub client_ip: IpAddr,
    /// Token of the session cookie, if the request has one.
    pub session_token: Option<&'a str>,
    /// Value of the known-browser cookie, which an earlier sign-in set.
    pub known_browser: Option<&'a str>,
}

/// The last step of sign-in that succeeded.
enum CompletedStep {
    Password,
    /// Password and code.
    Code,
}

/// An account that has proven its password.
struct VerifiedAccount {
    id: String,
    name: String,
    /// Of the stored hash that the password matched.
    credential_sha256: String,
}

impl VerifiedAccount {
    /// `None` without a stored hash, which no password matches.
    fn of(credentials: &Credentials) -> Option<Self> {
        let hash = credentials.password_hash.as_deref()?;
        Some(Self {
            id: credentials.account_id.clone(),
            name: credentials.name.clone(),
            credential_sha256: credential_sha256(hash),
        })
    }

    /// The account of a session whose first step has succeeded.
    fn of_session(session: Session) -> Self {
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
    /// Checks a password and opens a session. An unknown name takes as long as a wrong password.
    ///
    /// # Errors
    /// `WrongCredentials` for any mismatch; `RateLimited` over a rate limit; `Overloaded` if a queue is full.
    pub async fn sign_in(
        &self,
        name: &str,
        password: SecretString,
        client: ClientInfo<'_>,
    ) -> Result<NewSession, Error> {
        let name = name.trim();
        let key = &name[..name.floor_char_boundary(MAX_NAME_BYTES)];
        self.check_rate_limit("unknown", key, client).await?;
        let started_at = Instant::now();
        let found = match name.len() {
            ..=MAX_NAME_BYTES => self.accounts.find_credentials(name).await?,
            _ => None,
        };
        let hash = found.as_ref().and_then(|found| found.password_hash.as_deref());
        let is_active = found.as_ref().is_some_and(|found| found.is_active);
        let matches = self.passwords.verify(hash, is_active, password, started_at).await?;
        let Some(verified) = found.as_ref().filter(|_| matches).and_then(VerifiedAccount::of) else {
            let account = found.as_ref().map(|found| found.account_id.as_str());
            tracing::info!(network = %client.client_ip, account, is_active, "a sign-in was refused");
            let event = Event::SignInRefused { name: self.signing_key.keyed_digest(key) };
            self.journal.refuse(Actor::remote("unknown", client.client_ip), event).await?;
            return Err(Error::WrongCredentials);
        };
        self.open_session(verified, client, CompletedStep::Password).await
    }

    /// The second step: checks a code of the authenticator app or a recovery code.
    ///
    /// # Errors
    /// `WrongCode`; `RateLimited` over a rate limit; `WrongCredentials` if the first step has expired.
    pub async fn sign_in_with_code(&self, code: &str, client: ClientInfo<'_>) -> Result<NewSession, Error> {
        let token = client.session_token.ok_or(Error::WrongCredentials)?;
        let session = self
            .accounts
            .state
            .connect()
            .await?
            .sessions()
            .find(&sha256_hex(token))
            .await?
            .filter(|session| session.awaits_code);
        let session = session.ok_or(Error::WrongCredentials)?;
        let wait = self.rate_limits.check_costly_lookup(&session.token_sha256);
        wait.map_err(|retry_after_seconds| Error::RateLimited { retry_after_seconds })?;
        if self.find_session_account(&session).await?.is_none() {
            return Err(Error::WrongCredentials);
        }
        let actor = Actor::remote(&session.email, client.client_ip);
        let mut tx = self.accounts.state.begin().await?;
        match self.accept_code(&mut *tx, &session.account_id, code).await {
            Ok(event) => {
                self.journal.commit_if(tx, actor, event).await?;
                self.open_session(VerifiedAccount::of_session(session), client, CompletedStep::Code).await
            }
            Err(error @ (Error::WrongCode | Error::RateLimited { .. })) => {
                drop(tx);
                self.journal.refuse(actor, Event::CodeRefused).await?;
                Err(error)
            }
            // A failure of the state says nothing about the code.
            Err(error) => Err(error),
        }
    }

    /// Uses up a code. Returns an event for the audit trail if it was a recovery code.
    pub(super) async fn accept_code(
        &self,
        tx: &mut dyn Tx,
        account_id: &str,
        code: &str,
    ) -> Result<Option<Event>, Error> {
        let now = self.clock.now();
        if let Some(digest) = second_factor::recovery_code_digest(code) {
            let is_accepted = tx.second_factors().use_recovery_code(account_id, &digest, &rfc3339(now)).await?;
            return if is_accepted { Ok(Some(Event::RecoveryCodeUsed)) } else { Err(Error::WrongCode) };
        }
        let wait = self.rate_limits.check_code(account_id);
        wait.map_err(|retry_after_seconds| Error::RateLimited { retry_after_seconds })?;
        let factor = tx.second_factors().find(account_id).await?.ok_or(Error::WrongCode)?;
        let step = second_factor::valid_time_step(&factor.secret, code, now)?.ok_or(Error::WrongCode)?;
        let is_new = tx.second_factors().accept_step(account_id, step).await?;
        if is_new { Ok(None) } else { Err(Error::WrongCode) }
    }

    async fn open_session(
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

    /// Counts a password attempt, and refuses it over a rate limit.
    pub(super) async fn check_rate_limit(&self, actor: &str, name: &str, client: ClientInfo<'_>) -> Result<(), Error> {
        let browser = client.known_browser.and_then(|known| {
            let (id, _) = known.split_once('.')?;
            (self.known_browser_cookie(id, name) == known).then_some(id)
        });
        let Err(retry_after_seconds) = self.rate_limits.check_attempt(name, client.client_ip, browser) else {
            return Ok(());
        };
        self.journal.refuse(Actor::remote(actor, network_prefix(client.client_ip)), Event::SignInLimited).await?;
        Err(Error::RateLimited { retry_after_seconds })
    }

    /// Value of the known-browser cookie: the browser's id, and an HMAC proving that it has signed in with this
    /// account.
    fn known_browser_cookie(&self, id: &str, name: &str) -> String {
        format!("{id}.{}", self.signing_key.authentication_code("known browser", &[id, &name.to_lowercase()]))
    }
}
