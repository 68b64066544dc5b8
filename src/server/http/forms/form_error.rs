//! What a form's page shows of an error.

use super::super::state::AppState;
use crate::model::form_error::FormError;
use crate::server::identity;

/// The problem that the page shows for an error. One that it has no text for is reported.
pub fn form_error(state: &AppState, error: &identity::Error) -> FormError {
    known_form_error(error).unwrap_or_else(|| {
        state.api_error(error);
        FormError::Unavailable
    })
}

/// The errors that the page has a text for.
fn known_form_error(error: &identity::Error) -> Option<FormError> {
    Some(match error {
        identity::Error::WrongCredentials => FormError::WrongCredentials,
        identity::Error::WrongCode => FormError::WrongCode,
        identity::Error::ApplicationSecondFactor => FormError::ApplicationSecondFactor,
        identity::Error::RateLimited { .. } => FormError::TooManyAttempts,
        identity::Error::Overloaded => FormError::Overloaded,
        identity::Error::InvalidSetupCode => FormError::WrongSetupCode,
        identity::Error::Invalid(problem) => *problem,
        identity::Error::Conflict(_) => FormError::NotApplicable,
        identity::Error::AccountNotFound(_)
        | identity::Error::SecondFactorNotFound(_)
        | identity::Error::NotSignedIn(_)
        | identity::Error::Source(_)
        | identity::Error::State(_)
        | identity::Error::SecondFactorUnusable(_)
        | identity::Error::TaskPanicked => return None,
    })
}
