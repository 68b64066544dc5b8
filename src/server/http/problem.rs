//! Errors as problem details (RFC 9457).

use std::any::Any;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::model::ApiError;
use crate::server::api_error::IntoApiError;

/// An error response of a REST endpoint.
pub struct ProblemDetails(pub ApiError);

impl<E: IntoApiError> From<E> for ProblemDetails {
    fn from(error: E) -> Self {
        Self(error.into_api_error())
    }
}

impl IntoResponse for ProblemDetails {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut body = json!({
            "type": "about:blank",
            "title": status.canonical_reason(),
            "status": status.as_u16(),
            "detail": self.0.to_string(),
        });
        if let ApiError::Internal(reference) = &self.0 {
            body["instance"] = json!(format!("urn:waybill:reference:{reference}"));
        }
        let content_type = [(header::CONTENT_TYPE, "application/problem+json")];
        let mut response = (status, content_type, body.to_string()).into_response();
        if let Some(seconds) = self.0.retry_after_seconds() {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

pub async fn not_found() -> ProblemDetails {
    ProblemDetails(ApiError::NotFound)
}

/// Response of the CSRF layer to cross-site requests.
pub fn cross_site_response(_: tower_http::csrf::ProtectionError) -> Response {
    let body = json!({"type": "about:blank", "title": "Forbidden", "status": 403, "detail": "This request came from another site and was refused."});
    let content_type = [(header::CONTENT_TYPE, "application/problem+json")];
    (StatusCode::FORBIDDEN, content_type, body.to_string()).into_response()
}

/// Response to a Host header that does not name this server (DNS rebinding).
pub fn misdirected_response() -> Response {
    let detail =
        "This server does not go by this host name. Use its IP address, or start it with --public-url and this name.";
    let body = json!({"type": "about:blank", "title": "Misdirected Request", "status": 421, "detail": detail});
    let content_type = [(header::CONTENT_TYPE, "application/problem+json")];
    (StatusCode::MISDIRECTED_REQUEST, content_type, body.to_string()).into_response()
}

/// The panic itself is in the log; the client gets a reference.
#[expect(clippy::needless_pass_by_value, reason = "the layer hands it over")]
pub fn panic_response(panic: Box<dyn Any + Send>) -> Response {
    let text = panic.downcast_ref::<&str>().copied().unwrap_or("a panic without a message");
    let error = crate::server::export::Error::Output(format!("a request panicked: {text}"));
    ProblemDetails::from(error).into_response()
}
