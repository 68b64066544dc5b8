//! The sign-out form.

use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};

use super::super::problem::ProblemDetails;
use super::super::security::client_address::client_ip_of;
use super::super::security::cookies::{session_cookie, session_token};
use super::super::state::AppState;
use crate::model::route;

/// Ends the sessions of the account, and forgets the cookie.
pub async fn sign_out(State(state): State<AppState>, request: Request) -> Response {
    let client_ip = client_ip_of(&request, &state);
    if let Some(token) = session_token(request.headers(), &state)
        && let Err(error) = state.app.identity.sign_out(&token, client_ip).await
    {
        return ProblemDetails::from(state.api_error(&error)).into_response();
    }
    let mut response = Redirect::to(route::LOGIN).into_response();
    response.headers_mut().insert(header::SET_COOKIE, session_cookie(&state, "", Some(0)));
    // The Back button must not show a page from the browser's cache.
    response.headers_mut().insert("clear-site-data", HeaderValue::from_static("\"cache\""));
    response
}
