//! Handlers of the sign-in, sign-out and set-up forms, which work the same with and without JavaScript.

use std::net::IpAddr;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Form, RequestExt};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::session::{self, encoded, is_https, session_token};
use super::{Shared, network};
use crate::model::access::safe_return_path;
use crate::model::form_problem::FormProblem;
use crate::server::answer::IntoAnswer;
use crate::server::identity::{self, SignedIn, Visit};

/// Cookie with the typed name, to refill the form after an error.
const NAME_COOKIE: &str = "waybill-name";
const LONGEST_REMEMBERED: usize = 254;

#[derive(Deserialize)]
pub struct Credentials {
    email: String,
    password: SecretString,
    #[serde(default)]
    next: String,
}

pub async fn sign_in(State(shared): State<Shared>, request: Request) -> Response {
    let network = network_of(&shared, &request);
    let token = session_token(request.headers(), &shared);
    let known = session::cookie(request.headers(), &known_cookie(&shared));
    let Ok(Form(form)) = request.extract::<Form<Credentials>, _>().await else {
        return Redirect::to(&format!("/login?problem={}", FormProblem::Unreadable.key())).into_response();
    };
    let next = safe_return_path(&form.next);
    let visit = Visit { network, token: token.as_deref(), known: known.as_deref() };
    match shared.app.identity.sign_in(&form.email, form.password, visit).await {
        Ok(session) => signed_in(&shared, &session, next),
        Err(identity::Error::Crowded) => crowded(shared, next).await,
        Err(error) => {
            let mut response = again("/login", problem_of(error), next);
            response.headers_mut().append(header::SET_COOKIE, remembered_name(&shared, &form.email));
            response
        }
    }
}

#[derive(Deserialize)]
pub struct Code {
    code: SecretString,
    #[serde(default)]
    next: String,
}

/// The second step, for accounts with a second factor.
pub async fn sign_in_with_code(State(shared): State<Shared>, request: Request) -> Response {
    let network = network_of(&shared, &request);
    let token = session_token(request.headers(), &shared);
    let Ok(Form(form)) = request.extract::<Form<Code>, _>().await else {
        return again("/login/code", FormProblem::Unreadable, "");
    };
    let next = safe_return_path(&form.next);
    let visit = Visit { network, token: token.as_deref(), known: None };
    match shared.app.identity.sign_in_with_code(form.code.expose_secret(), visit).await {
        Ok(session) => signed_in(&shared, &session, next),
        Err(identity::Error::WrongCredentials) => again("/login", FormProblem::CodeTooLate, next),
        Err(identity::Error::TooMany { .. }) => again("/login/code", FormProblem::OftenCode, next),
        Err(error) => again("/login/code", problem_of(error), next),
    }
}

fn network_of(shared: &Shared, request: &Request) -> IpAddr {
    network::client_address(request.extensions(), request.headers(), &shared.site.trusted_proxies)
}

fn signed_in(shared: &Shared, session: &SignedIn, next: &str) -> Response {
    let to = if session.awaits_code { format!("/login/code?next={}", encoded(next)) } else { next.to_owned() };
    let mut response = with_cookie(Redirect::to(&to), &cookie(shared, session.cookie_value(), None));
    if !session.awaits_code {
        let secure = if is_https(&shared.site) { "; Secure" } else { "" };
        let name = known_cookie(shared);
        let known = format!("{name}={}; Path=/login; HttpOnly; SameSite=Lax{secure}; Max-Age=34560000", session.known);
        response.headers_mut().append(header::SET_COOKIE, super::header(&known));
    }
    response
}

/// Name of the known-browser cookie. It is kept for 400 days, the longest that browsers allow. It grants no access: it
/// only counts this browser's attempts apart from those of others.
fn known_cookie(shared: &Shared) -> String {
    format!("known-{}", shared.cookie.trim_start_matches("__Host-"))
}

fn again(page: &str, problem: FormProblem, next: &str) -> Response {
    Redirect::to(&format!("{page}?problem={}&next={}", problem.key(), encoded(next))).into_response()
}

/// Cookie that refills the name in the form. Not a URL parameter, because a user may have typed the password there.
fn remembered_name(shared: &Shared, name: &str) -> HeaderValue {
    let name: String = name.chars().take(LONGEST_REMEMBERED).collect();
    let (name, secure) = (encoded(&name), if is_https(&shared.site) { "; Secure" } else { "" });
    super::header(&format!("{NAME_COOKIE}={name}; Path=/login; HttpOnly; SameSite=Lax{secure}; Max-Age=60"))
}

/// Returns the name typed in the last attempt.
pub fn name_typed(headers: &HeaderMap) -> String {
    let typed = session::cookie(headers, NAME_COOKIE).unwrap_or_default();
    percent_encoding::percent_decode_str(&typed).decode_utf8_lossy().into_owned()
}

/// Renders the sign-in page with status 503 and Retry-After.
async fn crowded(shared: Shared, next: &str) -> Response {
    let page = format!("/login?problem={}&next={}", FormProblem::Crowded.key(), encoded(next));
    let request = Request::get(page).body(Body::empty()).unwrap_or_default();
    let mut response = super::render_page(State(shared), request).await;
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    response
}

pub async fn sign_out(State(shared): State<Shared>, request: Request) -> Response {
    let network = network_of(&shared, &request);
    if let Some(token) = session_token(request.headers(), &shared)
        && let Err(error) = shared.app.identity.sign_out(&token, network).await
    {
        return super::problem::Problem::from(error).into_response();
    }
    let mut response = with_cookie(Redirect::to("/login"), &cookie(&shared, "", Some(0)));
    // The Back button must not show a page from the browser's cache.
    response.headers_mut().insert("clear-site-data", HeaderValue::from_static("\"cache\""));
    response
}

#[derive(Deserialize)]
pub struct FirstAccount {
    code: SecretString,
    name: String,
    password: SecretString,
    repeated: SecretString,
}

/// Creates the first local account, with the set-up code.
pub async fn set_up(State(shared): State<Shared>, request: Request) -> Response {
    let network = network_of(&shared, &request);
    let to = |problem: FormProblem| Redirect::to(&format!("/setup?problem={}", problem.key())).into_response();
    let Ok(Form(form)) = request.extract::<Form<FirstAccount>, _>().await else { return to(FormProblem::Unreadable) };
    if form.password.expose_secret() != form.repeated.expose_secret() {
        return to(FormProblem::Differs);
    }
    match shared.app.identity.set_up(form.code.expose_secret(), &form.name, form.password, network).await {
        Ok(()) => {
            let mut response = Redirect::to("/login?notice=made").into_response();
            response.headers_mut().append(header::SET_COOKIE, remembered_name(&shared, &form.name));
            response
        }
        Err(error) => to(problem_of(error)),
    }
}

/// Maps an error to the problem key that the page has a text for. Unexpected errors are logged.
pub fn problem_of(error: identity::Error) -> FormProblem {
    match error {
        identity::Error::WrongCredentials => FormProblem::Credentials,
        identity::Error::WrongCode => FormProblem::Code,
        identity::Error::TooMany { .. } => FormProblem::Often,
        identity::Error::Crowded => FormProblem::Crowded,
        identity::Error::SetupOver => FormProblem::Setup,
        identity::Error::Unusable(problem) => problem,
        identity::Error::NotNow(_) => FormProblem::NotNow,
        other => {
            let _ = other.into_answer();
            FormProblem::Unavailable
        }
    }
}

fn cookie(shared: &Shared, value: &str, max_age: Option<u32>) -> String {
    let secure = if is_https(&shared.site) { "; Secure" } else { "" };
    let max_age = max_age.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
    format!("{}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{max_age}", shared.cookie)
}

fn with_cookie(redirect: Redirect, cookie: &str) -> Response {
    let mut response = redirect.into_response();
    response.headers_mut().insert(header::SET_COOKIE, super::header(cookie));
    response
}
