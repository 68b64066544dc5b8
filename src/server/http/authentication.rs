//! Authenticates each request once, by its session cookie.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use super::client_address::client_address;
use super::problem::ProblemDetails;
use super::{AppState, HttpConfig};
use crate::server::api_error::IntoApiError;
use crate::server::identity::Caller;
use crate::server::rpc_context::Authentication;

pub async fn authenticate(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    // A lookup costs the application's database a query: only paths that need the caller make one.
    if !needs_authentication(&path) {
        return next.run(request).await;
    }
    let authentication = match session_token(request.headers(), &state) {
        None => Authentication::Anonymous,
        Some(token) => match state.app.identity.find_caller(&token).await {
            Ok(Some(caller)) => {
                let trusted = &state.config.trusted_proxies;
                let client_ip = client_address(request.extensions(), request.headers(), trusted);
                Authentication::SignedIn(Caller { client_ip: Some(client_ip), ..caller })
            }
            Ok(None) => Authentication::Anonymous,
            Err(error) => Authentication::Unavailable(error.into_api_error()),
        },
    };
    let is_page = path == "/admin" || path.starts_with("/admin/");
    if is_page
        && matches!(*request.method(), Method::GET | Method::HEAD)
        && matches!(authentication, Authentication::Anonymous)
    {
        let return_path = request.uri().path_and_query().map_or("/admin", |path| path.as_str());
        return Redirect::to(&format!("/login?next={}", percent_encode(return_path))).into_response();
    }
    if let Authentication::SignedIn(caller) = &authentication {
        if let Err(error) = state.app.identity.limit_unprivileged_requests(caller) {
            return ProblemDetails::from(error).into_response();
        }
        if is_page && caller.lacks_second_factor && !path.starts_with("/admin/account") {
            return Redirect::to("/admin/account").into_response();
        }
    }
    request.extensions_mut().insert(authentication);
    next.run(request).await
}

fn needs_authentication(path: &str) -> bool {
    path == "/admin" || ["/admin/", "/rpc/", "/api/"].iter().any(|prefix| path.starts_with(prefix))
}

/// With the `__Host-` prefix, browsers refuse the cookie unless it is secure and for this host only. Cookies are shared
/// by all ports of a host (RFC 6265, section 8.5), so the console of another database uses another name.
pub fn session_cookie_name(config: &HttpConfig, source_id: &str) -> String {
    let prefix = if is_https(config) { "__Host-" } else { "" };
    // The last characters of the UUID are random.
    let suffix = source_id.get(source_id.len().saturating_sub(8)..).unwrap_or_default();
    format!("{prefix}waybill-{suffix}")
}

pub fn is_https(config: &HttpConfig) -> bool {
    config.public_url.as_ref().is_some_and(|url| url.is_https)
}

pub fn session_token(headers: &HeaderMap, state: &AppState) -> Option<String> {
    cookie_value(headers, &state.session_cookie_name)
}

/// Returns the value of a cookie, if it is not empty.
pub fn cookie_value(headers: &HeaderMap, name: &str) -> Option<String> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies.flat_map(|line| line.split(';')).find_map(|pair| {
        let (found, value) = pair.trim().split_once('=')?;
        (found == name && !value.is_empty()).then(|| value.to_owned())
    })
}

/// Percent-encodes a value for a query string (RFC 3986, section 2.1).
pub fn percent_encode(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        use std::fmt::Write;
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}
