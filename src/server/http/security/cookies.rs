//! Cookies, and values for headers and query strings.

use axum::http::{HeaderMap, HeaderValue, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::super::state::{AppState, HttpConfig};
use crate::model::route::LOGIN;

const MAX_REMEMBERED_CHARS: usize = 254;
/// Cookie with the typed name, to refill the form after an error.
const NAME_COOKIE: &str = "waybill-name";

/// 400 days, the longest that browsers allow.
const KNOWN_BROWSER_MAX_AGE_SECONDS: u32 = 400 * 24 * 60 * 60;

/// With the `__Host-` prefix, browsers refuse the cookie unless it is secure and for this host only. Cookies are shared
/// by all ports of a host (RFC 6265, section 8.5), so the console of another database uses another name.
pub fn session_cookie_name(config: &HttpConfig, source_id: &str) -> String {
    let prefix = if is_https(config) { "__Host-" } else { "" };
    // The last characters of the UUID are random.
    let suffix = &source_id[source_id.floor_char_boundary(source_id.len().saturating_sub(8))..];
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

/// All but the unreserved characters (RFC 3986, section 2.3), and the slash, which a query string may contain.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// Percent-encodes a value for a query string (RFC 3986, section 2.1).
pub fn percent_encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// A `Set-Cookie` value: for this site only, out of reach of scripts, and `Secure` with an https public URL. Without an
/// age, the cookie ends with the browser's session.
fn set_cookie(state: &AppState, name: &str, value: &str, path: &str, max_age_seconds: Option<u32>) -> HeaderValue {
    let secure = if is_https(&state.config) { "; Secure" } else { "" };
    let max_age = max_age_seconds.map_or_else(String::new, |seconds| format!("; Max-Age={seconds}"));
    header_value(&format!("{name}={value}; Path={path}; HttpOnly; SameSite=Lax{secure}{max_age}"))
}

/// The cookie of the session with this token, which ends with the browser's session unless an age is given.
pub fn session_cookie(state: &AppState, token: &str, max_age_seconds: Option<u32>) -> HeaderValue {
    set_cookie(state, &state.session_cookie_name, token, "/", max_age_seconds)
}

/// Name of the known-browser cookie. It grants no access: it only counts this browser's attempts apart from those of
/// others.
pub fn known_browser_cookie_name(state: &AppState) -> String {
    format!("known-{}", state.session_cookie_name.trim_start_matches("__Host-"))
}

/// The cookie of a browser in which somebody has signed in.
pub fn known_browser_cookie(state: &AppState, value: &str) -> HeaderValue {
    set_cookie(state, &known_browser_cookie_name(state), value, LOGIN, Some(KNOWN_BROWSER_MAX_AGE_SECONDS))
}

/// Cookie that refills the name in the form. Not a URL parameter, because a user may have typed the password there.
pub fn name_cookie(state: &AppState, name: &str) -> HeaderValue {
    let name: String = name.chars().take(MAX_REMEMBERED_CHARS).collect();
    set_cookie(state, NAME_COOKIE, &percent_encode(&name), LOGIN, Some(60))
}

/// Returns the name typed in the last attempt.
pub fn typed_name(headers: &HeaderMap) -> String {
    let typed = cookie_value(headers, NAME_COOKIE).unwrap_or_default();
    percent_decode_str(&typed).decode_utf8_lossy().into_owned()
}

/// Makes a header value from any text; characters that HTTP does not allow are dropped.
///
/// # Panics
/// Never: visible ASCII characters and spaces are a value (RFC 9110, section 5.5).
#[expect(clippy::expect_used, reason = "the characters that HTTP does not allow have been dropped")]
pub fn header_value(text: &str) -> HeaderValue {
    let allowed: String = text.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').collect();
    HeaderValue::try_from(allowed).expect("visible ASCII characters and spaces are a header value")
}

#[cfg(test)]
mod tests {
    use super::percent_encode;

    #[test]
    fn unreserved_characters_and_the_slash_stay_and_every_other_byte_is_encoded() {
        let stays = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
        for byte in 0..=127_u8 {
            let encoded = percent_encode(&char::from(byte).to_string());
            let expected = if stays(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
            assert_eq!(encoded, expected);
        }
        assert_eq!(percent_encode("/a?b=ü €"), "/a%3Fb%3D%C3%BC%20%E2%82%AC");
    }
}
