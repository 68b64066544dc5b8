//! The second step of sign-in: a code.

use super::attempts::ClientInfo;
use super::digests::sha256_hex;
use super::open_session::{CompletedStep, NewSession, VerifiedAccount};
use super::{Error, Identity, second_factor};
use crate::server::audit::{Actor, Event};
use crate::server::state::Tx;
use crate::server::support::clock::rfc3339;

impl Identity {
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
}
