//! The set-up form, which creates the first local account.

use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Form, RequestExt};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::super::security::client_address::client_ip_of;
use super::super::security::cookies::name_cookie;
use super::super::state::AppState;
use super::form_error::form_error;
use crate::model::form_error::FormError;
use crate::model::route;

#[derive(Deserialize)]
pub struct SetupForm {
    code: SecretString,
    name: String,
    password: SecretString,
    repeated: SecretString,
}

/// Creates the first local account, with the set-up code.
pub async fn set_up(State(state): State<AppState>, request: Request) -> Response {
    let client_ip = client_ip_of(&request, &state);
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
