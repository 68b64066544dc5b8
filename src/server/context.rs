//! The context of a server function: the app and the caller, as `http` provides them.
//!
//! May import: `app`, `answer`, `identity`. Flow: a server function calls `act` with one use case;
//! `act` looks up app and caller, converts an error into an `ApiError` and sets its status. While a
//! page is rendered on the server, the page gets the same status, so that a refusal is a real 403.

use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;

use super::answer::IntoAnswer;
use super::app::App;
use super::identity::Caller;
use crate::model::ApiError;

/// Who sent the request, as the session middleware found out.
#[derive(Clone, Debug)]
pub enum Visitor {
    Caller(Caller),
    Anonymous,
    /// The session could not be looked up.
    Unknown(ApiError),
}

impl Visitor {
    /// Returns the signed-in caller.
    ///
    /// # Errors
    /// `Unauthenticated` for an anonymous request; the look-up's error for `Unknown`.
    pub fn caller(self) -> Result<Caller, ApiError> {
        match self {
            Self::Caller(caller) => Ok(caller),
            Self::Anonymous => Err(ApiError::Unauthenticated),
            Self::Unknown(error) => Err(error),
        }
    }
}

/// Runs a use case for the caller of this request.
///
/// # Errors
/// As `Visitor::caller`; the use case's error, as far as the client may know it; `Unavailable` without a context.
pub async fn act<T, E: IntoAnswer>(
    use_case: impl AsyncFnOnce(Arc<App>, Caller) -> Result<T, E>,
) -> Result<T, ApiError> {
    // Before the first await: Leptos finds a request's context on the request's own task only.
    let response = use_context::<ResponseOptions>();
    let provided = use_context::<Arc<App>>().zip(use_context::<Visitor>());
    let result = match provided {
        Some((app, visitor)) => match visitor.caller() {
            Ok(caller) => use_case(app, caller).await.map_err(IntoAnswer::into_answer),
            Err(error) => Err(error),
        },
        None => Err(ApiError::Unavailable("The server is not ready.".into())),
    };
    if let (Some(response), Err(error)) = (response, &result) {
        response.set_status(StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
        if let Some(seconds) = error.retry_after_seconds() {
            response.insert_header(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
    }
    result
}

/// Redirects a plain form submission to another page; a request by script keeps its response.
pub fn redirect_form(path: &str) {
    let accept = use_context::<Parts>().and_then(|parts| parts.headers.get(header::ACCEPT).cloned());
    let is_form = accept.is_some_and(|accept| accept.to_str().is_ok_and(|accept| accept.contains("text/html")));
    if is_form {
        leptos_axum::redirect(path);
    }
}
