//! Whoever imports through the API: looked up again while their file comes, and before what it does is kept.

use std::time::{Duration, Instant};

use axum::http::HeaderMap;
use serde::Deserialize;

use super::super::security::cookies::session_token;
use super::super::state::AppState;
use crate::model::ApiError;
use crate::model::access::{Capability, Scope};
use crate::server::identity::Caller;
use crate::server::import::{self, Purpose, StillAllowed, UndoRequest};

/// How often it is looked up, during an upload, whether its sender may still import.
const ACCESS_CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// What an import needs. The scope may be the caller's own.
pub type Right = fn(&Caller) -> (Capability, Scope);

/// The session of whoever imports.
pub struct ImportSession {
    state: AppState,
    pub token: String,
    right: Right,
    checked_at: Instant,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UndoOptions {
    #[serde(default)]
    dry_run: bool,
    #[serde(default)]
    keep_changed: bool,
    /// What it must do: the digest of a dry run's report.
    expected: Option<String>,
}

impl UndoOptions {
    pub fn request(self, import: String) -> UndoRequest {
        let purpose = if self.dry_run { Purpose::DryRun } else { Purpose::Write };
        UndoRequest { import, purpose, keeps_changed: self.keep_changed, expected: self.expected }
    }
}

impl ImportSession {
    /// # Errors
    /// When the request has no session.
    pub fn of(state: &AppState, headers: &HeaderMap, right: Right) -> Result<Self, ApiError> {
        let token = session_token(headers, state).ok_or(ApiError::Unauthenticated)?;
        Ok(Self { state: state.clone(), token, right, checked_at: Instant::now() })
    }

    /// The caller as they are now, if they may still import.
    ///
    /// # Errors
    /// When their session has ended, or their right.
    pub async fn find(&self) -> Result<Caller, ApiError> {
        let now = self.state.app.identity.find_caller(&self.token).await;
        let now = now.map_err(|error| self.state.api_error(&error))?.ok_or(ApiError::Unauthenticated)?;
        let (capability, scope) = (self.right)(&now);
        now.require(capability, &scope).map_err(|_| ApiError::Forbidden)?;
        Ok(now)
    }

    /// Called for each piece of an upload: looks the sender up every few seconds.
    ///
    /// # Errors
    /// As `find`.
    pub async fn recheck(&mut self) -> Result<(), ApiError> {
        if self.checked_at.elapsed() > ACCESS_CHECK_INTERVAL {
            self.checked_at = Instant::now();
            self.find().await?;
        }
        Ok(())
    }

    /// The last question before a commit, asked by the thread that writes.
    pub fn still_allowed(self) -> StillAllowed {
        let runtime = tokio::runtime::Handle::current();
        Box::new(move || {
            let found = runtime.block_on(self.state.app.identity.find_caller(&self.token));
            let now = found.map_err(import::Error::NotRechecked)?.ok_or(import::Error::SignedOut)?;
            let (capability, scope) = (self.right)(&now);
            Ok(now.require(capability, &scope)?)
        })
    }
}
