//! Decides what a client may learn of an error; nothing else does.
//!
//! May import: use cases, `identity`, `model`. Flow: a use case's error becomes an `ApiError`; an
//! internal cause is logged here, once, under the reference that the client gets.

use std::fmt::Display;

use super::{export, history, identity, source};
use crate::model::ApiError;
use crate::model::text::sentence;
use crate::server::support::random::{Random, SystemRandom, reference};

/// Converts an error into the one that is sent to the client.
pub trait IntoAnswer {
    fn into_answer(self) -> ApiError;
}

impl IntoAnswer for export::Error {
    fn into_answer(self) -> ApiError {
        match self {
            Self::Refused(_) => ApiError::Forbidden,
            Self::NotFound => ApiError::NotFound,
            Self::Busy { message, retry_after_seconds } => ApiError::Busy { message, retry_after_seconds },
            Self::StillRunning | Self::NoFile => ApiError::Conflict(self.to_string()),
            Self::Expired => ApiError::Gone,
            Self::NoRoom { .. } => ApiError::Unavailable(self.to_string()),
            Self::Source(error) => error.into_answer(),
            Self::Profile(error) => ApiError::Unavailable(sentence(&error.to_string())),
            other => internal(&other),
        }
    }
}

impl IntoAnswer for history::Error {
    fn into_answer(self) -> ApiError {
        match self {
            Self::Refused(_) => ApiError::Forbidden,
            Self::State(error) => internal(&error),
        }
    }
}

impl IntoAnswer for identity::Error {
    fn into_answer(self) -> ApiError {
        match self {
            Self::WrongCredentials
            | Self::WrongCode
            | Self::SetupOver
            | Self::Unusable(_)
            | Self::NoAccount(_)
            | Self::NoSecondFactor(_)
            | Self::NotSignedIn(_) => ApiError::Invalid(self.to_string()),
            Self::NotNow(_) => ApiError::Conflict(self.to_string()),
            Self::Crowded => ApiError::Crowded { retry_after_seconds: 5 },
            Self::TooMany { retry_after_seconds } => ApiError::Busy { message: self.to_string(), retry_after_seconds },
            Self::Source(error) => error.into_answer(),
            other => internal(&other),
        }
    }
}

impl IntoAnswer for source::Error {
    fn into_answer(self) -> ApiError {
        tracing::warn!(error = %self, "the database could not be asked");
        ApiError::Unavailable(sentence(&self.to_string()))
    }
}

impl IntoAnswer for ApiError {
    fn into_answer(self) -> ApiError {
        self
    }
}

/// Logs the cause and returns an error that carries only its reference.
fn internal(cause: &dyn Display) -> ApiError {
    internal_with(&SystemRandom, cause)
}

fn internal_with(random: &dyn Random, cause: &dyn Display) -> ApiError {
    let reference = reference(random);
    tracing::error!(%reference, error = %cause, "a request failed");
    ApiError::Internal(reference)
}
