//! Decides what a client may learn of an error; nothing else does.
//!
//! May import: use cases, `identity`, `source`, `support`, `model`. Flow: `client_view` says what may be known of an error and changes
//! nothing; `report` logs what the client does not learn, once, under a reference that the client gets, and returns the
//! `ApiError` to send.

use std::fmt::Display;

use super::support::random::{Random, new_error_reference};
use super::{export, history, identity, import, source};
use crate::model::ApiError;
use crate::model::text::to_sentence;

/// What a client may know of an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientView {
    Full(ApiError),
    /// The message, which is for operators too: the log gets it as a warning.
    FullAndLogged(ApiError),
    /// No more than a reference to the cause in the log.
    Reference,
}

/// An error whose message clients may know, or not.
pub trait ClientError: Display {
    fn client_view(&self) -> ClientView;
}

/// Logs what the client does not learn, and returns what is sent.
pub fn report(error: &impl ClientError, random: &dyn Random) -> ApiError {
    match error.client_view() {
        ClientView::Full(api_error) => api_error,
        ClientView::FullAndLogged(api_error) => {
            tracing::warn!(%error, "the database could not be queried");
            api_error
        }
        ClientView::Reference => log_internal_error(error, random),
    }
}

/// Logs a cause of which the client gets nothing but a reference.
pub fn log_internal_error(cause: &dyn Display, random: &dyn Random) -> ApiError {
    let reference = new_error_reference(random);
    tracing::error!(%reference, error = %cause, "a request failed");
    ApiError::Internal(reference)
}

impl ClientError for ApiError {
    fn client_view(&self) -> ClientView {
        ClientView::Full(self.clone())
    }
}

impl ClientError for export::Error {
    fn client_view(&self) -> ClientView {
        ClientView::Full(match self {
            Self::Forbidden(_) => ApiError::Forbidden,
            Self::NotFound => ApiError::NotFound,
            Self::Busy { message, retry_after_seconds } => {
                ApiError::Busy { message: message.clone(), retry_after_seconds: *retry_after_seconds }
            }
            Self::StillRunning | Self::NotCompleted | Self::TooLarge { .. } => ApiError::Conflict(self.to_string()),
            Self::Expired => ApiError::Gone,
            Self::NotMeasured(reason) => ApiError::Unavailable(to_sentence(reason)),
            Self::InsufficientStorage { .. } => ApiError::Unavailable(self.to_string()),
            Self::Selection(error) => ApiError::Invalid(to_sentence(&error.to_string())),
            Self::Profile(error) => ApiError::Unavailable(to_sentence(&error.to_string())),
            Self::Source(error) => return error.client_view(),
            Self::Stopped
            | Self::LeaseLost
            | Self::Jobs(_)
            | Self::StoppedAt { .. }
            | Self::Unreadable(_)
            | Self::Drifted(_)
            | Self::State(_)
            | Self::Artifact(_)
            | Self::Signing(_)
            | Self::Identity(_)
            | Self::Output(_)
            | Self::Inconsistent(_)
            | Self::Panicked => return ClientView::Reference,
        })
    }
}

impl ClientError for import::Error {
    fn client_view(&self) -> ClientView {
        let text = || self.sentences().join("\n");
        ClientView::Full(match self {
            Self::Forbidden(_) => ApiError::Forbidden,
            Self::NoSuchImport => ApiError::NotFound,
            Self::SignedOut => ApiError::Unauthenticated,
            Self::Stopped => ApiError::Unavailable(text()),
            Self::NotRechecked(cause) => return cause.client_view(),
            Self::Busy => ApiError::Busy { message: text(), retry_after_seconds: 10 },
            Self::NotIntact(_)
            | Self::Unreadable(_)
            | Self::Layout
            | Self::IsPlan
            | Self::NoPlan
            | Self::NotAFile
            | Self::NotTrusted(_)
            | Self::InvalidRecord { .. }
            | Self::InvalidArchive(_)
            | Self::TooLarge { .. }
            | Self::Changed => ApiError::Invalid(text()),
            Self::Refused(_) | Self::StalePlan(_) | Self::OtherHash(_) | Self::OtherPlan(_) => {
                ApiError::Conflict(text())
            }
            Self::Target(cause) | Self::Undo(cause) if is_answer(cause.kind) => ApiError::Conflict(text()),
            Self::Target(_)
            | Self::Undo(_)
            | Self::Uncertain(_)
            | Self::NotRecorded(_)
            | Self::Upload(_)
            | Self::Temporary(_)
            | Self::Media(_) => {
                return ClientView::FullAndLogged(ApiError::Unavailable(text()));
            }
            Self::Read(_)
            | Self::ExpectedPlan { .. }
            | Self::Plan(_)
            | Self::PlanOutput { .. }
            | Self::IdMap { .. }
            | Self::State(_)
            | Self::Panicked => return ClientView::Reference,
        })
    }
}

/// Whether it says what is in the way, and the database has not failed.
fn is_answer(kind: source::Kind) -> bool {
    kind.is_refusal() || matches!(kind, source::Kind::Locked | source::Kind::NotFound)
}

impl ClientError for history::Error {
    fn client_view(&self) -> ClientView {
        match self {
            Self::Forbidden(_) => ClientView::Full(ApiError::Forbidden),
            Self::State(_) => ClientView::Reference,
        }
    }
}

impl ClientError for identity::Error {
    fn client_view(&self) -> ClientView {
        ClientView::Full(match self {
            Self::WrongCredentials
            | Self::WrongCode
            | Self::ApplicationSecondFactor
            | Self::InvalidSetupCode
            | Self::Invalid(_)
            | Self::AccountNotFound(_)
            | Self::SecondFactorNotFound(_)
            | Self::NotSignedIn(_) => ApiError::Invalid(self.to_string()),
            Self::Conflict(_) => ApiError::Conflict(self.to_string()),
            Self::Overloaded => ApiError::Overloaded { retry_after_seconds: 5 },
            Self::RateLimited { retry_after_seconds } => {
                ApiError::Busy { message: self.to_string(), retry_after_seconds: *retry_after_seconds }
            }
            Self::Source(error) => return error.client_view(),
            Self::State(_) | Self::SecondFactorUnusable(_) | Self::TaskPanicked => return ClientView::Reference,
        })
    }
}

/// The messages of a source never carry SQL, paths or values.
impl ClientError for source::Error {
    fn client_view(&self) -> ClientView {
        ClientView::FullAndLogged(ApiError::Unavailable(to_sentence(&self.to_string())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::source::Source;
    use crate::server::source::sqlite::SqliteSource;

    /// Always draws the same bytes.
    struct Fixed;

    impl Random for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(1);
        }
    }

    #[test]
    fn of_an_internal_cause_a_client_learns_the_reference_only() {
        let error = export::Error::Output("/srv/secret cannot be written".into());
        assert_eq!(error.client_view(), ClientView::Reference);
        assert_eq!(report(&error, &Fixed), ApiError::Internal("1111-1111".into()));
    }

    #[test]
    fn a_message_for_the_client_reaches_it_unchanged() {
        let busy = export::Error::Busy { message: "Other exports are running.".into(), retry_after_seconds: 10 };
        let expected = ApiError::Busy { message: "Other exports are running.".into(), retry_after_seconds: 10 };
        assert_eq!(report(&busy, &Fixed), expected);
        let database = ApiError::Unavailable("The database file does not exist.".into());
        let missing = SqliteSource::new("/nowhere/shop.db").identity().unwrap_err();
        assert_eq!(report(&identity::Error::Source(missing), &Fixed), database);
    }
}
