//! Security headers on every response (OWASP Secure Headers; `docs/trust.md`).

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use leptos::nonce::use_nonce;
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;

use super::super::problem;
use super::super::state::AppState;
use super::cookies::is_https;
use super::public_url::is_own_host;
use crate::model::route;

/// Default CSP for responses that set none themselves: nothing may load, nothing may frame them.
const DEFAULT_CSP: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";

/// CSP of the web worker that checks files: it loads its own code and connects to this origin only.
const WORKER_CSP: &str =
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; frame-ancestors 'none'";

/// HSTS: for a year, browsers must not use this site without TLS (RFC 6797).
const HSTS: &str = "max-age=31536000";

/// Rejects requests whose Host header names another host (DNS rebinding).
pub async fn reject_foreign_hosts(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    // Health checks may send any Host header, or none (HTTP/1.0).
    let is_health_check = matches!(request.uri().path(), route::HEALTH | route::READINESS);
    if is_health_check || host.is_some_and(|named| is_own_host(named, state.config.public_url.as_ref())) {
        next.run(request).await
    } else {
        problem::misdirected_response()
    }
}

pub async fn set_security_headers(State(state): State<AppState>, request: Request, next: Next) -> Response {
    // Assets are the same for every user: browsers may store them and revalidate.
    let path = request.uri().path();
    let is_asset = path.starts_with(route::PACKAGE) || [route::ICONS, route::FAVICON].contains(&path);
    let is_worker = path == route::FILE_CHECKER;
    let is_asset = is_asset || is_worker;
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut set_default = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    if is_https(&state.config) {
        set_default(header::STRICT_TRANSPORT_SECURITY, HSTS);
    }
    set_default(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    // `no-referrer` would make forms send `Origin: null`, which the CSRF layer refuses.
    set_default(header::REFERRER_POLICY, "same-origin");
    set_default(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    set_default(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    set_default(header::CONTENT_SECURITY_POLICY, if is_worker { WORKER_CSP } else { DEFAULT_CSP });
    set_default(header::CACHE_CONTROL, if is_asset { "no-cache" } else { "no-store, private" });
    response
}

/// Sets the CSP of a page, with the nonce of its inline scripts. Called while the page is rendered.
pub fn set_page_csp() {
    let (Some(response), Some(nonce)) = (use_context::<ResponseOptions>(), use_nonce()) else { return };
    let policy = format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; \
         img-src 'self'; font-src 'self'; connect-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'; object-src 'none'"
    );
    if let Ok(policy) = HeaderValue::try_from(policy) {
        response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
    }
}
