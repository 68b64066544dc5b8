//! The context of a server function: the app and the caller, as `http` provides them.
//!
//! May import: `app`, `api_error`, `identity`. Flow: a server function calls `with_caller` with one use case;
//! `with_caller` looks up app and caller, converts an error into an `ApiError` and sets its status. While a
//! page is rendered on the server, the page gets the same status, so that a refusal is a real 403.

use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;

use super::api_error::{ClientError, report};
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

/// Who sent this request.
#[must_use]
pub fn authentication<B>(request: &Request<B>) -> Authentication {
    request.extensions().get::<Authentication>().cloned().unwrap_or(Authentication::Anonymous)
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
pub async fn with_caller<T, E: ClientError>(
    use_case: impl AsyncFnOnce(Arc<App>, Caller) -> Result<T, E>,
) -> Result<T, ApiError> {
    // Before the first await: Leptos finds a request's context on the request's own task only.
    let response = use_context::<ResponseOptions>();
    let context = use_context::<Arc<App>>().zip(use_context::<Authentication>());
    let result = match context {
        Some((app, authentication)) => match authentication.caller() {
            Ok(caller) => {
                let random = app.random.clone();
                use_case(app, caller).await.map_err(|error| report(&error, &*random))
            }
            Err(error) => Err(error),
        },
        None => Err(ApiError::Unavailable("The server is not ready.".into())),
    };
    if let (Some(response), Err(error)) = (response, &result) {
        let ErrorHead { status, retry_after } = ErrorHead::of(error);
        response.set_status(status);
        if let Some(seconds) = retry_after {
            response.insert_header(header::RETRY_AFTER, seconds);
        }
    }
    result
}

/// Status and `Retry-After` of an error's response.
pub struct ErrorHead {
    pub status: StatusCode,
    pub retry_after: Option<HeaderValue>,
}

impl ErrorHead {
    #[must_use]
    pub fn of(error: &ApiError) -> Self {
        Self {
            status: StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            retry_after: error.retry_after_seconds().map(HeaderValue::from),
        }
    }
}

/// Whether a browser sent a plain form, which wants a page for an answer; a script does not.
#[must_use]
pub fn accepts_html(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"))
}

/// Redirects a plain form submission to another page; a request by script keeps its response.
pub fn redirect_form(path: &str) {
    if use_context::<Parts>().is_some_and(|parts| accepts_html(&parts.headers)) {
        leptos_axum::redirect(path);
    }
}
