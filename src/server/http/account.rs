//! Form handlers of the account page.

use axum::body::Body;
use axum::extract::rejection::FormRejection;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Form};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::problem::Problem;
use super::sign_in::problem_of;
use super::{Shared, render_page};
use crate::model::form_problem::FormProblem;
use crate::server::context::Visitor;
use crate::server::identity::{self, Caller};
use crate::ui::RecoveryCodes;

const PAGE: &str = "/admin/account";

#[derive(Deserialize)]
pub struct NewPassword {
    password: SecretString,
    new: SecretString,
    repeated: SecretString,
}

pub async fn change_password(
    State(shared): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    form: Result<Form<NewPassword>, FormRejection>,
) -> Result<Response, Problem> {
    let caller = visitor.caller()?;
    let Ok(Form(form)) = form else { return Ok(again(FormProblem::Unreadable)) };
    if form.new.expose_secret() != form.repeated.expose_secret() {
        return Ok(again(FormProblem::Differs));
    }
    Ok(done(shared.app.identity.change_password(&caller, form.password, form.new).await, "password"))
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
    State(shared): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
    form: Result<Form<SecondFactorForm>, FormRejection>,
) -> Result<Response, Problem> {
    let caller = visitor.caller()?;
    let identity = &shared.app.identity;
    let codes = match form {
        Err(_) => return Ok(again(FormProblem::Unreadable)),
        Ok(Form(SecondFactorForm::Begin { password })) => {
            return Ok(done(identity.begin_second_factor(&caller, password).await, "begun"));
        }
        Ok(Form(SecondFactorForm::Remove { password })) => {
            return Ok(done(identity.remove_second_factor(&caller, password).await, "removed"));
        }
        Ok(Form(SecondFactorForm::Confirm { code })) => {
            identity.confirm_second_factor(&caller, code.expose_secret()).await
        }
        Ok(Form(SecondFactorForm::Renew { password })) => identity.renew_recovery_codes(&caller, password).await,
    };
    Ok(match codes {
        Ok(codes) => show(shared, caller, headers, codes).await,
        Err(error) => again(own_problem(error)),
    })
}

pub async fn end_other_sessions(
    State(shared): State<Shared>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Response, Problem> {
    let caller = visitor.caller()?;
    Ok(done(shared.app.identity.end_other_sessions(&caller).await, "sessions"))
}

fn done(result: Result<(), identity::Error>, notice: &str) -> Response {
    match result {
        Ok(()) => Redirect::to(&format!("{PAGE}?notice={notice}")).into_response(),
        Err(error) => again(own_problem(error)),
    }
}

fn again(problem: FormProblem) -> Response {
    Redirect::to(&format!("{PAGE}?problem={}", problem.key())).into_response()
}

/// The caller is signed in, so wrong credentials mean a wrong password.
fn own_problem(error: identity::Error) -> FormProblem {
    match problem_of(error) {
        FormProblem::Credentials => FormProblem::Password,
        problem => problem,
    }
}

/// Renders the account page with the recovery codes, which are shown only once and never put into a URL.
async fn show(shared: Shared, caller: Caller, headers: HeaderMap, codes: Vec<String>) -> Response {
    let mut request = Request::get(PAGE).body(Body::empty()).unwrap_or_default();
    if let Some(cookies) = headers.get(header::COOKIE) {
        request.headers_mut().insert(header::COOKIE, cookies.clone());
    }
    request.extensions_mut().insert(Visitor::Caller(caller));
    request.extensions_mut().insert(RecoveryCodes(codes));
    render_page(State(shared), request).await
}
