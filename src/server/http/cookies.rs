//! Cookies, and values for headers and query strings.

use axum::http::{HeaderMap, HeaderValue, header};

use super::state::{AppState, HttpConfig};
use crate::model::route::LOGIN;

const MAX_REMEMBERED_CHARS: usize = 254;
/// Cookie with the typed name, to refill the form after an error.
const NAME_COOKIE: &str = "waybill-name";

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

/// Cookie that refills the name in the form. Not a URL parameter, because a user may have typed the password there.
pub fn name_cookie(state: &AppState, name: &str) -> HeaderValue {
    let name: String = name.chars().take(MAX_REMEMBERED_CHARS).collect();
    let (name, secure) = (percent_encode(&name), if is_https(&state.config) { "; Secure" } else { "" });
    header_value(&format!("{NAME_COOKIE}={name}; Path={LOGIN}; HttpOnly; SameSite=Lax{secure}; Max-Age=60"))
}

/// Returns the name typed in the last attempt.
pub fn typed_name(headers: &HeaderMap) -> String {
    let typed = cookie_value(headers, NAME_COOKIE).unwrap_or_default();
    percent_encoding::percent_decode_str(&typed).decode_utf8_lossy().into_owned()
}

/// Makes a header value from any text; characters that HTTP does not allow are dropped.
pub fn header_value(text: &str) -> HeaderValue {
    let allowed: String = text.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').collect();
    HeaderValue::try_from(allowed).unwrap_or(HeaderValue::from_static(""))
}
