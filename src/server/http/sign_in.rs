//! Handlers of the sign-in, sign-out and set-up forms, which work the same with and without JavaScript.

use std::net::IpAddr;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Form, RequestExt};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::client_address;
use super::cookies::{cookie_value, name_cookie, percent_encode, session_token, set_cookie};
use super::pages::render_page;
use super::problem::ProblemDetails;
use super::state::AppState;
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
    let client_ip = client_ip(&state, &request);
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
    let client_ip = client_ip(&state, &request);
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

fn client_ip(state: &AppState, request: &Request) -> IpAddr {
    client_address::client_address(request.extensions(), request.headers(), &state.config.trusted_proxies)
}

fn signed_in_response(state: &AppState, session: &NewSession, next: &str) -> Response {
    let to = if session.awaits_code {
        format!("{}?next={}", route::LOGIN_CODE, percent_encode(next))
    } else {
        next.to_owned()
    };
    let mut response = redirect_with_cookie(Redirect::to(&to), session_cookie(state, session.cookie_value(), None));
    if !session.awaits_code {
        let name = known_browser_cookie_name(state);
        let cookie =
            set_cookie(state, &name, &session.known_browser, route::LOGIN, Some(KNOWN_BROWSER_MAX_AGE_SECONDS));
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// 400 days, the longest that browsers allow.
const KNOWN_BROWSER_MAX_AGE_SECONDS: u32 = 400 * 24 * 60 * 60;

/// Name of the known-browser cookie. It grants no access: it only counts this browser's attempts apart from those of others.
fn known_browser_cookie_name(state: &AppState) -> String {
    format!("known-{}", state.session_cookie_name.trim_start_matches("__Host-"))
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

pub async fn sign_out(State(state): State<AppState>, request: Request) -> Response {
    let client_ip = client_ip(&state, &request);
    if let Some(token) = session_token(request.headers(), &state)
        && let Err(error) = state.app.identity.sign_out(&token, client_ip).await
    {
        return ProblemDetails(state.api_error(&error)).into_response();
    }
    let mut response = redirect_with_cookie(Redirect::to(route::LOGIN), session_cookie(&state, "", Some(0)));
    // The Back button must not show a page from the browser's cache.
    response.headers_mut().insert("clear-site-data", HeaderValue::from_static("\"cache\""));
    response
}

#[derive(Deserialize)]
pub struct SetupForm {
    code: SecretString,
    name: String,
    password: SecretString,
    repeated: SecretString,
}

/// Creates the first local account, with the set-up code.
pub async fn set_up(State(state): State<AppState>, request: Request) -> Response {
    let client_ip = client_ip(&state, &request);
    let redirect =
        |problem: FormError| Redirect::to(&format!("{}?problem={}", route::SETUP, problem.key())).into_response();
    let Ok(Form(form)) = request.extract::<Form<SetupForm>, _>().await else {
        return redirect(FormError::UnreadableForm);
    };
    if form.password.expose_secret() != form.repeated.expose_secret() {
        return redirect(FormError::PasswordsDiffer);
    }
    match state.app.identity.create_first_account(form.code.expose_secret(), &form.name, form.password, client_ip).await
    {
        Ok(()) => {
            let mut response = Redirect::to(&format!("{}?notice=made", route::LOGIN)).into_response();
            response.headers_mut().append(header::SET_COOKIE, name_cookie(&state, &form.name));
            response
        }
        Err(error) => redirect(form_error(&state, &error)),
    }
}

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

fn session_cookie(state: &AppState, value: &str, max_age_seconds: Option<u32>) -> HeaderValue {
    set_cookie(state, &state.session_cookie_name, value, "/", max_age_seconds)
}

fn redirect_with_cookie(redirect: Redirect, cookie: HeaderValue) -> Response {
    let mut response = redirect.into_response();
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    response
}
