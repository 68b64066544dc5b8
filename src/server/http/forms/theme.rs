//! The form that changes the colour theme: light, dark or the system's, in a cookie kept for a year.

use axum::Form;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::super::security::cookies::header_value;
use crate::model::route::{LOGIN, safe_return_path};

#[derive(Deserialize)]
pub struct ThemeForm {
    theme: String,
}

/// Sets the cookie, and returns to the page that the form was on.
pub async fn change_theme(headers: HeaderMap, Form(choice): Form<ThemeForm>) -> Response {
    let theme = match choice.theme.as_str() {
        theme @ ("light" | "dark") => theme,
        _ => "system",
    };
    let referer = headers.get(header::REFERER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let path = referer.splitn(4, '/').nth(3).map(|rest| format!("/{rest}")).unwrap_or_default();
    let back = if path.starts_with(LOGIN) { LOGIN } else { safe_return_path(&path) };
    let mut response = Redirect::to(back).into_response();
    let cookie = format!("theme={theme}; Path=/; SameSite=Lax; Max-Age=31536000");
    response.headers_mut().insert(header::SET_COOKIE, header_value(&cookie));
    response
}
