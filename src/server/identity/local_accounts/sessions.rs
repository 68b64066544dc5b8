//! Lists and ends the sessions of browsers.

use super::super::error::Error;
use super::Operator;
use crate::server::audit::Event;

/// A signed-in browser as `waybill user sessions` shows it.
#[derive(Clone, Debug)]
pub struct SessionSummary {
    pub name: String,
    pub network: Option<String>,
    pub created_at: String,
    pub last_seen_at: String,
}

impl Operator {
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
}
