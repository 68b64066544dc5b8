//! The sign-in forms: password, then code for accounts with a second factor.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Form, RequestExt};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::super::pages::render_page;
use super::super::security::client_address::client_ip_of;
use super::super::security::cookies::{
    cookie_value, known_browser_cookie, known_browser_cookie_name, name_cookie, percent_encode, session_cookie,
    session_token,
};
use super::super::state::AppState;
use super::form_error::form_error;
use crate::model::form_error::FormError;
use crate::model::route::{self, safe_return_path};
use crate::server::identity::{self, ClientInfo, NewSession};

#[derive(Deserialize)]
pub struct SignInForm {
    email: String,
    password: SecretString,
    #[serde(default)]
    next: String,
}

pub async fn sign_in(State(state): State<AppState>, request: Request) -> Response {
    let client_ip = client_ip_of(&request, &state);
    let token = session_token(request.headers(), &state);
    let known_browser = cookie_value(request.headers(), &known_browser_cookie_name(&state));
    let Ok(Form(form)) = request.extract::<Form<SignInForm>, _>().await else {
        return Redirect::to(&format!("{}?problem={}", route::LOGIN, FormError::UnreadableForm.key())).into_response();
    };
    let next = safe_return_path(&form.next);
    let client = ClientInfo { client_ip, session_token: token.as_deref(), known_browser: known_browser.as_deref() };
    match state.app.identity.sign_in(&form.email, form.password, client).await {
        Ok(session) => signed_in_response(&state, &session, next),
        Err(identity::Error::Overloaded) => overloaded_response(state, next).await,
        Err(error) => {
            let mut response = redirect_with_problem(route::LOGIN, form_error(&state, &error), next);
            response.headers_mut().append(header::SET_COOKIE, name_cookie(&state, &form.email));
            response
        }
    }
}

#[derive(Deserialize)]
pub struct CodeForm {
    code: SecretString,
    #[serde(default)]
    next: String,
}

/// The second step, for accounts with a second factor.
pub async fn sign_in_with_code(State(state): State<AppState>, request: Request) -> Response {
    let client_ip = client_ip_of(&request, &state);
    let token = session_token(request.headers(), &state);
    let Ok(Form(form)) = request.extract::<Form<CodeForm>, _>().await else {
        return redirect_with_problem(route::LOGIN_CODE, FormError::UnreadableForm, "");
    };
    let next = safe_return_path(&form.next);
    let client = ClientInfo { client_ip, session_token: token.as_deref(), known_browser: None };
    match state.app.identity.sign_in_with_code(form.code.expose_secret(), client).await {
        Ok(session) => signed_in_response(&state, &session, next),
        Err(identity::Error::WrongCredentials) => redirect_with_problem(route::LOGIN, FormError::CodeTooLate, next),
        Err(identity::Error::RateLimited { .. }) => {
            redirect_with_problem(route::LOGIN_CODE, FormError::TooManyCodes, next)
        }
        Err(error) => redirect_with_problem(route::LOGIN_CODE, form_error(&state, &error), next),
    }
}

fn signed_in_response(state: &AppState, session: &NewSession, next: &str) -> Response {
    let to = if session.awaits_code {
        format!("{}?next={}", route::LOGIN_CODE, percent_encode(next))
    } else {
        next.to_owned()
    };
    let mut response = Redirect::to(&to).into_response();
    let headers = response.headers_mut();
    headers.append(header::SET_COOKIE, session_cookie(state, session.cookie_value(), None));
    if !session.awaits_code {
        headers.append(header::SET_COOKIE, known_browser_cookie(state, &session.known_browser));
    }
    response
}

fn redirect_with_problem(page: &str, problem: FormError, next: &str) -> Response {
    Redirect::to(&format!("{page}?problem={}&next={}", problem.key(), percent_encode(next))).into_response()
}

/// Renders the sign-in page with status 503 and Retry-After.
async fn overloaded_response(state: AppState, next: &str) -> Response {
    let page = format!("{}?problem={}&next={}", route::LOGIN, FormError::Overloaded.key(), percent_encode(next));
    let mut request = Request::new(Body::empty());
    // An address that is too long loses the page to return to.
    *request.uri_mut() = page.parse().unwrap_or(Uri::from_static(route::LOGIN));
    let mut response = render_page(State(state), request).await;
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    response
}
