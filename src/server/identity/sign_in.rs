//! Sign-in, in one step or two, and sign-out.

use std::net::IpAddr;
use std::time::Instant;

use secrecy::{ExposeSecret, SecretString};

use super::limits::network_of;
use super::{Credentials, Error, Identity, credential, digest, second_factor};
use crate::server::audit::{self, Entry, Event};
use crate::server::state::{Tx, second_factors, sessions, sessions::Session};
use crate::server::support::clock::rfc3339;
use crate::server::support::random::{token, uuid};

/// In bytes: the longest e-mail address (RFC 5321, 4.5.3.1.3). Longer names are never looked up.
const LONGEST_NAME: usize = 254;

/// The client that a request comes from.
#[derive(Clone, Copy, Debug)]
pub struct Visit<'a> {
    pub network: IpAddr,
    /// Token of the session cookie, if the request has one.
    pub token: Option<&'a str>,
    /// Value of the known-browser cookie, which an earlier sign-in set.
    pub known: Option<&'a str>,
}

/// The last step of sign-in that succeeded.
enum Step {
    Password,
    /// Password and code.
    Code,
}

/// A new session: the token goes into the browser's cookie and nowhere else.
#[derive(Debug)]
pub struct SignedIn {
    pub token: SecretString,
    /// The session gives no access until a second-factor code is entered.
    pub awaits_code: bool,
    /// Value of the known-browser cookie for the next sign-in.
    pub known: String,
}

impl SignedIn {
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
    /// `WrongCredentials` for any mismatch; `TooMany` over a rate limit; `Crowded` if a queue is full.
    pub async fn sign_in(&self, name: &str, password: SecretString, visit: Visit<'_>) -> Result<SignedIn, Error> {
        let name = name.trim();
        let key = name.get(..LONGEST_NAME).unwrap_or(name);
        self.limit("unknown", key, visit).await?;
        let begun = Instant::now();
        let found = match name.len() {
            ..=LONGEST_NAME => self.accounts.credentials(name).await?,
            _ => None,
        };
        let hash = found.as_ref().and_then(|found| found.password_hash.as_deref());
        let is_active = found.as_ref().is_some_and(|found| found.is_active);
        let matches = self.passwords.matches(hash, is_active, password, begun).await?;
        let Some(found) = found.as_ref().filter(|_| matches).cloned() else {
            let account = found.as_ref().map(|found| found.account_id.as_str());
            tracing::info!(network = %visit.network, account, is_active, "a sign-in was refused");
            let event = Event::SignInRefused { name: self.signing_key.digest_of(key) };
            self.refuse("unknown", Some(visit.network), event).await?;
            return Err(Error::WrongCredentials);
        };
        self.open_session(found, visit, Step::Password).await
    }

    /// The second step: checks a code of the authenticator app or a recovery code.
    ///
    /// # Errors
    /// `WrongCode`; `TooMany` over a rate limit; `WrongCredentials` if the first step has expired.
    pub async fn sign_in_with_code(&self, code: &str, visit: Visit<'_>) -> Result<SignedIn, Error> {
        let token = visit.token.ok_or(Error::WrongCredentials)?;
        let session = self.accounts.state.session(&digest(token)).await?.filter(|session| session.awaits_code);
        let session = session.ok_or(Error::WrongCredentials)?;
        let wait = self.limits.check_question(&session.token_sha256);
        wait.map_err(|retry_after_seconds| Error::TooMany { retry_after_seconds })?;
        let account = self.account_of(&session).await?.ok_or(Error::WrongCredentials)?;
        let mut tx = self.accounts.state.begin().await?;
        match self.accept_code(&mut tx, &session.account_id, code).await {
            Ok(event) => {
                if let Some(event) = event {
                    self.note(&mut tx, &session.email, Some(visit.network), event).await?;
                }
                tx.commit().await?;
                self.open_session(account.credentials, visit, Step::Code).await
            }
            Err(error) => {
                drop(tx);
                self.refuse(&session.email, Some(visit.network), Event::CodeRefused).await?;
                Err(error)
            }
        }
    }

    /// Uses up a code. Returns an event for the audit trail if it was a recovery code.
    pub(super) async fn accept_code(&self, tx: &mut Tx, account_id: &str, code: &str) -> Result<Option<Event>, Error> {
        let now = self.clock.now();
        if let Some(digest) = second_factor::recovery_digest(code) {
            let is_good = second_factors::use_recovery_code(tx, account_id, &digest, &rfc3339(now)).await?;
            return if is_good { Ok(Some(Event::RecoveryCodeUsed)) } else { Err(Error::WrongCode) };
        }
        let wait = self.limits.check_code(account_id);
        wait.map_err(|retry_after_seconds| Error::TooMany { retry_after_seconds })?;
        let factor = second_factors::find(tx, account_id).await?.ok_or(Error::WrongCode)?;
        let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
        let step = second_factor::step_of(&factor.secret, code, seconds).ok_or(Error::WrongCode)?;
        let is_new = second_factors::accept_step(tx, account_id, step).await?;
        if is_new { Ok(None) } else { Err(Error::WrongCode) }
    }

    async fn open_session(&self, of: Credentials, visit: Visit<'_>, step: Step) -> Result<SignedIn, Error> {
        let (token, now) = (token(&*self.random), rfc3339(self.clock.now()));
        let mut tx = self.accounts.state.begin().await?;
        // Read in this transaction: it may have been turned on since the password check.
        let factor = second_factors::find(&mut tx, &of.account_id).await?;
        let has_factor = factor.is_some_and(|factor| factor.confirmed_at.is_some());
        let awaits_code = has_factor && matches!(step, Step::Password);
        let session = Session {
            token_sha256: digest(&token),
            credential_sha256: credential(of.password_hash.as_deref()),
            account_id: of.account_id,
            email: of.name,
            created_at: now.clone(),
            last_seen_at: now,
            network: Some(visit.network.to_string()),
            awaits_code,
        };
        if let Some(old) = visit.token {
            sessions::remove(&mut tx, &digest(old)).await?;
        }
        sessions::insert(&mut tx, &session).await?;
        let event = if awaits_code { Event::PasswordAccepted } else { Event::SignedIn };
        self.note(&mut tx, &session.email, Some(visit.network), event).await?;
        tx.commit().await?;
        if !awaits_code {
            tracing::info!(account = %session.account_id, network = %visit.network, "signed in");
        }
        let known = self.known_browser(&uuid(&*self.clock, &*self.random).to_string(), &session.email);
        Ok(SignedIn { token: token.into(), awaits_code, known })
    }

    /// Ends all sessions of the account, in every browser.
    ///
    /// # Errors
    /// `State` if the state cannot be read or written.
    pub async fn sign_out(&self, token: &str, network: IpAddr) -> Result<(), Error> {
        let Some(session) = self.accounts.state.session(&digest(token)).await? else { return Ok(()) };
        let mut tx = self.accounts.state.begin().await?;
        if session.awaits_code {
            // The password alone must not end the owner's sessions.
            sessions::remove(&mut tx, &session.token_sha256).await?;
        } else {
            sessions::remove_all_of(&mut tx, &session.account_id).await?;
        }
        self.note(&mut tx, &session.email, Some(network), Event::SignedOut).await?;
        Ok(tx.commit().await?)
    }

    /// Counts a password attempt, and refuses it over a rate limit.
    pub(super) async fn limit(&self, actor: &str, name: &str, visit: Visit<'_>) -> Result<(), Error> {
        let browser = visit.known.and_then(|known| {
            let (id, _) = known.split_once('.')?;
            (self.known_browser(id, name) == known).then_some(id)
        });
        let Err(retry_after_seconds) = self.limits.check(name, visit.network, browser) else { return Ok(()) };
        self.refuse(actor, Some(network_of(visit.network)), Event::SignInLimited).await?;
        Err(Error::TooMany { retry_after_seconds })
    }

    /// Value of the known-browser cookie: the browser's id, and an HMAC proving that it has signed in with this
    /// account.
    fn known_browser(&self, id: &str, name: &str) -> String {
        format!("{id}.{}", self.signing_key.mark("known browser", &[id, &name.to_lowercase()]))
    }

    pub(super) async fn note(
        &self,
        tx: &mut Tx,
        actor: &str,
        network: Option<IpAddr>,
        event: Event,
    ) -> Result<(), Error> {
        let at = rfc3339(self.clock.now());
        audit::append(tx, &Entry { at, actor, network, export: None, event }).await?;
        Ok(())
    }
}
