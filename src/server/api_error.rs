//! Decides what a client may learn of an error; nothing else does.
//!
//! May import: use cases, `identity`, `model`. Flow: a use case's error becomes an `ApiError`; an
//! internal cause is logged here, once, under the reference that the client gets.

use std::fmt::Display;

use super::{export, history, identity, source};
use crate::model::ApiError;
use crate::model::text::to_sentence;
use crate::server::support::random::{Random, SystemRandom, new_error_reference};

/// Converts an error into the one that is sent to the client.
pub trait IntoApiError {
    fn into_api_error(self) -> ApiError;
}

impl IntoApiError for export::Error {
    fn into_api_error(self) -> ApiError {
        match self {
            Self::Forbidden(_) => ApiError::Forbidden,
            Self::NotFound => ApiError::NotFound,
            Self::Busy { message, retry_after_seconds } => ApiError::Busy { message, retry_after_seconds },
            Self::StillRunning | Self::NotCompleted => ApiError::Conflict(self.to_string()),
            Self::Expired => ApiError::Gone,
            Self::InsufficientStorage { .. } => ApiError::Unavailable(self.to_string()),
            Self::Source(error) => error.into_api_error(),
            Self::Profile(error) => ApiError::Unavailable(to_sentence(&error.to_string())),
            other => log_internal_error(&other),
        }
    }
}

impl IntoApiError for history::Error {
    fn into_api_error(self) -> ApiError {
        match self {
            Self::Forbidden(_) => ApiError::Forbidden,
            Self::State(error) => log_internal_error(&error),
        }
    }
}

impl IntoApiError for identity::Error {
    fn into_api_error(self) -> ApiError {
        match self {
            Self::WrongCredentials
            | Self::WrongCode
            | Self::InvalidSetupCode
            | Self::Invalid(_)
            | Self::AccountNotFound(_)
            | Self::SecondFactorNotFound(_)
            | Self::NotSignedIn(_) => ApiError::Invalid(self.to_string()),
            Self::Conflict(_) => ApiError::Conflict(self.to_string()),
            Self::Overloaded => ApiError::Overloaded { retry_after_seconds: 5 },
            Self::RateLimited { retry_after_seconds } => {
                ApiError::Busy { message: self.to_string(), retry_after_seconds }
            }
            Self::Source(error) => error.into_api_error(),
            other => log_internal_error(&other),
        }
    }
}

impl IntoApiError for source::Error {
    fn into_api_error(self) -> ApiError {
        tracing::warn!(error = %self, "the database could not be queried");
        ApiError::Unavailable(to_sentence(&self.to_string()))
    }
}

impl IntoApiError for ApiError {
    fn into_api_error(self) -> ApiError {
        self
    }
}

/// Logs the cause and returns an error that carries only its reference.
fn log_internal_error(cause: &dyn Display) -> ApiError {
    log_internal_error_with(&SystemRandom, cause)
}

fn log_internal_error_with(random: &dyn Random, cause: &dyn Display) -> ApiError {
    let reference = new_error_reference(random);
    tracing::error!(%reference, error = %cause, "a request failed");
    ApiError::Internal(reference)
}
