//! Errors as problem details (RFC 9457).

use std::any::Any;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::model::{ApiError, route};
use crate::server::api_error::log_internal_error;
use crate::server::rpc_context::ErrorHead;
use crate::server::support::random::Random;

const MEDIA_TYPE: &str = "application/problem+json";

/// An error response of a REST endpoint.
pub struct ProblemDetails {
    error: ApiError,
    detail: String,
    findings: Vec<String>,
}

impl From<ApiError> for ProblemDetails {
    fn from(error: ApiError) -> Self {
        let detail = error.to_string();
        Self { error, detail, findings: Vec::new() }
    }
}

impl ProblemDetails {
    /// The error in an endpoint's own words.
    pub fn with_detail(error: ApiError, detail: &str) -> Self {
        Self { error, detail: detail.to_owned(), findings: Vec::new() }
    }

    /// Everything that is wrong, one sentence each, as the extension member `findings` (RFC 9457, 3.2). Of an internal error, only its
    /// reference is told.
    pub fn with_findings(self, findings: Vec<String>) -> Self {
        let is_told = !matches!(self.error, ApiError::Internal(_));
        Self { findings: if is_told { findings } else { Vec::new() }, ..self }
    }
}

impl IntoResponse for ProblemDetails {
    fn into_response(self) -> Response {
        let ErrorHead { status, retry_after } = ErrorHead::of(&self.error);
        let mut body = json!({
            "type": "about:blank",
            "title": status.canonical_reason(),
            "status": status.as_u16(),
            "detail": self.detail,
        });
        if let ApiError::Internal(reference) = &self.error {
            body["instance"] = json!(format!("urn:waybill:reference:{reference}"));
        }
        if !self.findings.is_empty() {
            body["findings"] = json!(self.findings);
        }
        let mut response = problem_response(status, &body);
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }
}

fn problem_response(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, MEDIA_TYPE)], body.to_string()).into_response()
}

/// Nobody reads the rest of a body that was refused, so its connection takes no further request. A client that does not know would send
/// its next one into it, and get no answer (RFC 9112, section 9.6).
pub async fn close_refused_uploads(request: Request, next: Next) -> Response {
    let has_body = request.method() == Method::POST;
    let mut response = next.run(request).await;
    let status = response.status();
    if has_body && (status.is_client_error() || status.is_server_error()) {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Tells errors of the router and its layers, such as 405 and 413, in the form of all others. Their headers stay: `Allow`
/// and `Content-Range` are part of the answer.
pub async fn describe_bare_errors(request: Request, next: Next) -> Response {
    let is_endpoint = request.uri().path().starts_with(route::API);
    let response = next.run(request).await;
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    let is_described = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == MEDIA_TYPE);
    if !is_endpoint || !is_error || is_described {
        return response;
    }
    let detail = match status {
        StatusCode::METHOD_NOT_ALLOWED => "This address does not take this method.",
        StatusCode::PAYLOAD_TOO_LARGE => "The body of the request is too large.",
        StatusCode::RANGE_NOT_SATISFIABLE => "The file has no such range.",
        _ => "The request cannot be read.",
    };
    let body =
        json!({"type": "about:blank", "title": status.canonical_reason(), "status": status.as_u16(), "detail": detail});
    let (mut head, _) = response.into_parts();
    head.headers.remove(header::CONTENT_LENGTH);
    head.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    Response::from_parts(head, Body::from(body.to_string()))
}

pub async fn not_found() -> ProblemDetails {
    ApiError::NotFound.into()
}

/// Response of the CSRF layer to cross-site requests.
pub fn cross_site_response(_: tower_http::csrf::ProtectionError) -> Response {
    let body = json!({"type": "about:blank", "title": "Forbidden", "status": 403, "detail": "This request came from another site and was refused."});
    problem_response(StatusCode::FORBIDDEN, &body)
}

/// Response to a Host header that does not name this server (DNS rebinding).
pub fn misdirected_response() -> Response {
    let detail =
        "This server does not go by this host name. Use its IP address, or start it with --public-url and this name.";
    let body = json!({"type": "about:blank", "title": "Misdirected Request", "status": 421, "detail": detail});
    problem_response(StatusCode::MISDIRECTED_REQUEST, &body)
}

/// The panic itself is in the log; the client gets a reference.
pub fn panic_response(panic: &(dyn Any + Send), random: &dyn Random) -> Response {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let text = text.unwrap_or("a panic without a message");
    ProblemDetails::from(log_internal_error(&format!("a request panicked: {text}"), random)).into_response()
}
