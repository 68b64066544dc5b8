//! The context of a server function: the app and the caller, as `http` provides them.
//!
//! May import: `app`, `api_error`, `identity`. Flow: a server function calls `with_caller` with one use case;
//! `with_caller` looks up app and caller, converts an error into an `ApiError` and sets its status. While a
//! page is rendered on the server, the page gets the same status, so that a refusal is a real 403.

use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;

use super::api_error::IntoApiError;
use super::app::App;
use super::identity::Caller;
use crate::model::ApiError;

/// Who sent the request, as the session middleware found out.
#[derive(Clone, Debug)]
pub enum Authentication {
    SignedIn(Caller),
    Anonymous,
    /// The session could not be looked up.
    Unavailable(ApiError),
}

impl Authentication {
    /// Returns the signed-in caller.
    ///
    /// # Errors
    /// `Unauthenticated` for an anonymous request; the look-up's error for `Unavailable`.
    pub fn caller(self) -> Result<Caller, ApiError> {
        match self {
            Self::SignedIn(caller) => Ok(caller),
            Self::Anonymous => Err(ApiError::Unauthenticated),
            Self::Unavailable(error) => Err(error),
        }
    }
}

/// Runs a use case for the caller of this request.
///
/// # Errors
/// As `Authentication::caller`; the use case's error, as far as the client may know it; `Unavailable` without a context.
pub async fn with_caller<T, E: IntoApiError>(
    use_case: impl AsyncFnOnce(Arc<App>, Caller) -> Result<T, E>,
) -> Result<T, ApiError> {
    // Before the first await: Leptos finds a request's context on the request's own task only.
    let response = use_context::<ResponseOptions>();
    let context = use_context::<Arc<App>>().zip(use_context::<Authentication>());
    let result = match context {
        Some((app, authentication)) => match authentication.caller() {
            Ok(caller) => use_case(app, caller).await.map_err(IntoApiError::into_api_error),
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
