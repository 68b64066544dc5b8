//! The colour theme of a page: light, dark or the system's.

use axum::http::HeaderMap;

use super::security::cookies::cookie_value;
use crate::ui::Theme;

/// Returns the theme of the request's cookie.
pub fn from_cookie(headers: &HeaderMap) -> Theme {
    match cookie_value(headers, "theme").as_deref() {
        Some("light") => Theme("light"),
        Some("dark") => Theme("dark"),
        _ => Theme("system"),
    }
}
