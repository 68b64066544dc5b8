//! Signing in and out: plain forms, the same with and without JavaScript.

use axum::Form;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::session::{encoded, is_https, session_token};
use super::{Shared, network};
use crate::model::access::safe_return_path;
use crate::server::answer::IntoAnswer;
use crate::server::identity;

#[derive(Deserialize)]
pub struct Credentials {
    email: String,
    password: SecretString,
    #[serde(default)]
    next: String,
}

pub async fn sign_in(State(shared): State<Shared>, request: Request) -> Response {
    use axum::RequestExt;
    let network = network::client_address(request.extensions(), request.headers(), &shared.site.trusted_proxies);
    let Ok(Form(form)) = request.extract::<Form<Credentials>, _>().await else {
        return Redirect::to("/login?problem=form").into_response();
    };
    let next = safe_return_path(&form.next);
    match shared.app.identity.sign_in(&form.email, form.password, network).await {
        Ok(session) => with_cookie(Redirect::to(next), &cookie(&shared, session.cookie_value(), None)),
        Err(identity::Error::Crowded) => crowded(shared, next).await,
        Err(error) => {
            Redirect::to(&format!("/login?problem={}&next={}", problem(error), encoded(next))).into_response()
        }
    }
}

/// The sign-in page, for whoever may try again in a moment.
async fn crowded(shared: Shared, next: &str) -> Response {
    let page = format!("/login?problem=crowded&next={}", encoded(next));
    let request = Request::get(page).body(Body::empty()).unwrap_or_default();
    let mut response = super::render_page(State(shared), request).await;
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    response
}

pub async fn sign_out(State(shared): State<Shared>, request: Request) -> Response {
    let network = network::client_address(request.extensions(), request.headers(), &shared.site.trusted_proxies);
    if let Some(token) = session_token(request.headers(), &shared)
        && let Err(error) = shared.app.identity.sign_out(&token, network).await
    {
        return super::problem::Problem::from(error).into_response();
    }
    let mut response = with_cookie(Redirect::to("/login"), &cookie(&shared, "", Some(0)));
    // The Back button must not find a page in the browser's own store.
    response.headers_mut().insert("clear-site-data", HeaderValue::from_static("\"cache\""));
    response
}

#[derive(Deserialize)]
pub struct FirstAccount {
    token: SecretString,
    name: String,
    password: SecretString,
}

/// Makes the first account of Waybill's own, for whoever has the link.
pub async fn set_up(State(shared): State<Shared>, Form(form): Form<FirstAccount>) -> Response {
    let token = form.token.expose_secret();
    let problem = match shared.app.identity.set_up(token, &form.name, form.password).await {
        Ok(()) => return Redirect::to("/login").into_response(),
        Err(identity::Error::LinkUsed) => "used",
        Err(identity::Error::Unusable(_)) => "unusable",
        Err(error) => {
            let _ = error.into_answer();
            "unavailable"
        }
    };
    Redirect::to(&format!("/setup?problem={problem}&token={}", encoded(token))).into_response()
}

/// What the sign-in page is told; it has the words.
fn problem(error: identity::Error) -> &'static str {
    match error {
        identity::Error::WrongCredentials => "wrong",
        identity::Error::TooMany { .. } => "often",
        other => {
            let _ = other.into_answer();
            "unavailable"
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
