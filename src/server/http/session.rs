//! Authenticates each request once, by its session cookie.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use super::network::client_address;
use super::problem::Problem;
use super::{Shared, Site};
use crate::server::answer::IntoAnswer;
use crate::server::context::Visitor;
use crate::server::identity::Caller;

pub async fn find_visitor(State(shared): State<Shared>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    // A lookup costs the application's database a query: only paths that need the caller make one.
    if !needs_caller(&path) {
        return next.run(request).await;
    }
    let visitor = match session_token(request.headers(), &shared) {
        None => Visitor::Anonymous,
        Some(token) => match shared.app.identity.caller(&token).await {
            Ok(Some(caller)) => {
                let trusted = &shared.site.trusted_proxies;
                let network = client_address(request.extensions(), request.headers(), trusted);
                Visitor::Caller(Caller { network: Some(network), ..caller })
            }
            Ok(None) => Visitor::Anonymous,
            Err(error) => Visitor::Unknown(error.into_answer()),
        },
    };
    let is_page = path == "/admin" || path.starts_with("/admin/");
    if is_page && matches!(*request.method(), Method::GET | Method::HEAD) && matches!(visitor, Visitor::Anonymous) {
        let back = request.uri().path_and_query().map_or("/admin", |asked| asked.as_str());
        return Redirect::to(&format!("/login?next={}", encoded(back))).into_response();
    }
    if let Visitor::Caller(caller) = &visitor {
        if let Err(error) = shared.app.identity.limit_questions(caller) {
            return Problem::from(error).into_response();
        }
        if is_page && caller.lacks_second_factor && !path.starts_with("/admin/account") {
            return Redirect::to("/admin/account").into_response();
        }
    }
    request.extensions_mut().insert(visitor);
    next.run(request).await
}

fn needs_caller(path: &str) -> bool {
    path == "/admin" || ["/admin/", "/rpc/", "/api/"].iter().any(|doors| path.starts_with(doors))
}

/// With the `__Host-` prefix, browsers refuse the cookie unless it is secure and for this host only. Cookies are shared
/// by all ports of a host (RFC 6265, section 8.5), so the console of another database uses another name.
pub fn cookie_name(site: &Site, source_id: &str) -> String {
    let prefix = if is_https(site) { "__Host-" } else { "" };
    // The last characters of the UUID are random.
    let end = source_id.get(source_id.len().saturating_sub(8)..).unwrap_or_default();
    format!("{prefix}waybill-{end}")
}

pub fn is_https(site: &Site) -> bool {
    site.public_url.as_ref().is_some_and(|url| url.is_https)
}

pub fn session_token(headers: &HeaderMap, shared: &Shared) -> Option<String> {
    cookie(headers, &shared.cookie)
}

/// Returns the value of a cookie, if it is not empty.
pub fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies.flat_map(|line| line.split(';')).find_map(|pair| {
        let (found, value) = pair.trim().split_once('=')?;
        (found == name && !value.is_empty()).then(|| value.to_owned())
    })
}

/// Percent-encodes a value for a query string (RFC 3986, section 2.1).
pub fn encoded(text: &str) -> String {
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
