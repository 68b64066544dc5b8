//! Self-service for the signed-in account: password, second factor, other sessions. Every change to how the account
//! signs in asks for the password again (OWASP ASVS 5.0, 7.5.1).

mod password;
mod second_factor;

use super::second_factor::shared_secret;
use super::{Caller, Error, Identity};
use crate::model::access::{AccountView, SecondFactorView};
use crate::server::audit::Event;

impl Identity {
    /// Returns what the account page shows.
    ///
    /// # Errors
    /// `State` if the state cannot be read; `SecondFactorUnusable` if the QR code cannot be made.
    pub async fn view_account(&self, caller: &Caller) -> Result<AccountView, Error> {
        let (id, state) = (own_id(caller)?, &self.accounts.state);
        let found = state.connect().await?.second_factors().find(id).await?;
        let second_factor = match found {
            Some(factor) if factor.confirmed_at.is_some() => SecondFactorView::On {
                recovery_codes_left: state.connect().await?.second_factors().count_unused_recovery_codes(id).await?,
            },
            Some(factor) if self.is_pending_enrolment(caller, &factor) => {
                SecondFactorView::Pending(shared_secret(&factor.secret, &caller.name, &self.issuer)?)
            }
            Some(_) | None => SecondFactorView::Off,
        };
        let own_sessions = state
            .connect()
            .await?
            .sessions()
            .all()
            .await?
            .into_iter()
            .filter(|session| session.account_id == id && !session.awaits_code);
        Ok(AccountView {
            is_local: self.uses_local_accounts(),
            second_factor,
            is_second_factor_required: self.requires_second_factor,
            sessions: u32::try_from(own_sessions.count()).unwrap_or(u32::MAX),
        })
    }

    /// Ends the account's sessions in other browsers.
    ///
    /// # Errors
    /// `State` if the state cannot be written.
    pub async fn end_other_sessions(&self, caller: &Caller) -> Result<(), Error> {
        let id = own_id(caller)?;
        let mut tx = self.accounts.state.begin().await?;
        let count = tx.sessions().remove_others_of_account(id, current_session(caller)?).await?;
        let event = Event::SessionsEnded { account: caller.name.clone(), count };
        Ok(self.journal.commit(tx, caller.actor(), event).await?)
    }
}

/// The id of the caller's account. The command line has none.
fn own_id(caller: &Caller) -> Result<&str, Error> {
    caller.account_id().ok_or_else(|| Error::NotSignedIn(caller.name.clone()))
}

/// SHA-256 of the token of the request's session.
fn current_session(caller: &Caller) -> Result<&str, Error> {
    caller.session_token_sha256.as_deref().ok_or_else(|| Error::NotSignedIn(caller.name.clone()))
}
