//! Form handlers of the account page.

use axum::body::Body;
use axum::extract::rejection::FormRejection;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Form};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::super::pages::render_page;
use super::super::problem::ProblemDetails;
use super::super::state::AppState;
use super::form_error::form_error;
use crate::model::form_error::FormError;
use crate::model::route;
use crate::server::identity::{self, Caller};
use crate::server::rpc_context::Authentication;
use crate::ui::RecoveryCodes;

#[derive(Deserialize)]
pub struct ChangePasswordForm {
    password: SecretString,
    new: SecretString,
    repeated: SecretString,
}

pub async fn change_password(
    State(state): State<AppState>,
    Extension(authentication): Extension<Authentication>,
    form: Result<Form<ChangePasswordForm>, FormRejection>,
) -> Result<Response, ProblemDetails> {
    let caller = authentication.caller()?;
    let Ok(Form(form)) = form else { return Ok(redirect_with_problem(FormError::UnreadableForm)) };
    if form.new.expose_secret() != form.repeated.expose_secret() {
        return Ok(redirect_with_problem(FormError::PasswordsDiffer));
    }
    let changed = state.app.identity.change_password(&caller, form.password, form.new).await;
    Ok(redirect_with_result(&state, changed, "password"))
}

#[derive(Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum SecondFactorForm {
    Begin { password: SecretString },
    Confirm { code: SecretString },
    Renew { password: SecretString },
    Remove { password: SecretString },
}

pub async fn change_second_factor(
    State(state): State<AppState>,
    Extension(authentication): Extension<Authentication>,
    headers: HeaderMap,
    form: Result<Form<SecondFactorForm>, FormRejection>,
) -> Result<Response, ProblemDetails> {
    let caller = authentication.caller()?;
    let identity = &state.app.identity;
    let codes = match form {
        Err(_) => return Ok(redirect_with_problem(FormError::UnreadableForm)),
        Ok(Form(SecondFactorForm::Begin { password })) => {
            return Ok(redirect_with_result(&state, identity.begin_second_factor(&caller, password).await, "begun"));
        }
        Ok(Form(SecondFactorForm::Remove { password })) => {
            return Ok(redirect_with_result(&state, identity.remove_second_factor(&caller, password).await, "removed"));
        }
        Ok(Form(SecondFactorForm::Confirm { code })) => {
            identity.confirm_second_factor(&caller, code.expose_secret()).await
        }
        Ok(Form(SecondFactorForm::Renew { password })) => identity.renew_recovery_codes(&caller, password).await,
    };
    Ok(match codes {
        Ok(codes) => render_recovery_codes(state, caller, headers, codes).await,
        Err(error) => redirect_with_problem(account_form_error(&state, &error)),
    })
}

pub async fn end_other_sessions(
    State(state): State<AppState>,
    Extension(authentication): Extension<Authentication>,
) -> Result<Response, ProblemDetails> {
    let caller = authentication.caller()?;
    let ended = state.app.identity.end_other_sessions(&caller).await;
    Ok(redirect_with_result(&state, ended, "sessions"))
}

fn redirect_with_result(state: &AppState, result: Result<(), identity::Error>, notice: &str) -> Response {
    match result {
        Ok(()) => Redirect::to(&format!("{}?notice={notice}", route::ACCOUNT)).into_response(),
        Err(error) => redirect_with_problem(account_form_error(state, &error)),
    }
}

fn redirect_with_problem(problem: FormError) -> Response {
    Redirect::to(&format!("{}?problem={}", route::ACCOUNT, problem.key())).into_response()
}

/// The caller is signed in, so wrong credentials mean a wrong password.
fn account_form_error(state: &AppState, error: &identity::Error) -> FormError {
    match form_error(state, error) {
        FormError::WrongCredentials => FormError::WrongPassword,
        problem => problem,
    }
}

/// Renders the account page with the recovery codes, which are shown only once and never put into a URL.
async fn render_recovery_codes(state: AppState, caller: Caller, headers: HeaderMap, codes: Vec<String>) -> Response {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = Uri::from_static(route::ACCOUNT);
    if let Some(cookies) = headers.get(header::COOKIE) {
        request.headers_mut().insert(header::COOKIE, cookies.clone());
    }
    request.extensions_mut().insert(Authentication::SignedIn(caller));
    request.extensions_mut().insert(RecoveryCodes(codes));
    render_page(State(state), request).await
}
