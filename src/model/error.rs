//! The one error type that is sent to clients.

use serde::{Deserialize, Serialize};

/// An error, in the few variants that a client can act on. Causes stay in the server's log, where the
/// reference finds them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApiError {
    #[error("Sign in first.")]
    Unauthenticated,
    #[error("Your role does not allow this.")]
    Forbidden,
    #[error("There is nothing at this address.")]
    NotFound,
    #[error("{0}")]
    Invalid(String),
    #[error("{0}")]
    Conflict(String),
    #[error("This export has expired and its file was removed. Start a new export.")]
    Gone,
    #[error("{message} Try again in {retry_after_seconds} seconds.")]
    Busy { message: String, retry_after_seconds: u64 },
    /// Too many requests at once, from all clients together.
    #[error("Too many requests right now. Try again in {retry_after_seconds} seconds.")]
    Overloaded { retry_after_seconds: u64 },
    #[error("{0}")]
    Unavailable(String),
    #[error(
        "Something failed on the server. Nothing was lost; try again. If it fails again, report this reference: {0}"
    )]
    Internal(String),
}

impl ApiError {
    /// The value of `Retry-After`, for errors that have one (RFC 9110, section 10.2.3).
    #[must_use]
    pub fn retry_after_seconds(&self) -> Option<u64> {
        match self {
            Self::Busy { retry_after_seconds, .. } | Self::Overloaded { retry_after_seconds } => {
                Some(*retry_after_seconds)
            }
            _ => None,
        }
    }

    /// The matching HTTP status (RFC 9110, section 15).
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Unauthenticated => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::Invalid(_) => 400,
            Self::Conflict(_) => 409,
            Self::Gone => 410,
            Self::Busy { .. } => 429,
            Self::Overloaded { .. } | Self::Unavailable(_) => 503,
            Self::Internal(_) => 500,
        }
    }
}
