//! Errors of sign-in, sessions and accounts.

use super::concurrency_limit::Overloaded;
use crate::model::form_error::FormError;
use crate::server::{source, state};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("Name or password is wrong.")]
    WrongCredentials,
    #[error("Too many sign-in attempts.")]
    RateLimited { retry_after_seconds: u64 },
    /// The password was right; the application would ask for a code that Waybill cannot check.
    #[error("{}", FormError::ApplicationSecondFactor)]
    ApplicationSecondFactor,
    #[error("This code is wrong, already used or expired.")]
    WrongCode,
    /// The page's text says what to do.
    #[error("the set-up code is wrong, has been used or has expired")]
    InvalidSetupCode,
    #[error("no Waybill account is named \"{0}\"; list them with: waybill user list")]
    AccountNotFound(String),
    #[error("no account named \"{0}\" has a second factor")]
    SecondFactorNotFound(String),
    #[error("\"{0}\" is not signed in")]
    NotSignedIn(String),
    #[error("{0}")]
    Conflict(&'static str),
    /// A name or password that the policy refuses.
    #[error("{0}")]
    Invalid(FormError),
    #[error(transparent)]
    Source(#[from] source::Error),
    #[error(transparent)]
    State(#[from] state::Error),
    /// A queue is full or its wait timed out. Bounds the load on the application's database and this machine.
    #[error("too many requests at once; try again in a few seconds")]
    Overloaded,
    /// A code that cannot be computed or shown says nothing about the one that was typed.
    #[error("the second factor cannot be used: {0}")]
    SecondFactorUnusable(&'static str),
    #[error("a worker thread panicked")]
    TaskPanicked,
}

impl From<Overloaded> for Error {
    fn from(_: Overloaded) -> Self {
        Self::Overloaded
    }
}
