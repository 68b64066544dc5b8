//! `GET /api/v1/exports/{id}/file` (download) and `POST …/cancellation`.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use futures::Stream;

use super::super::super::problem::ProblemDetails;
use super::super::super::security::cookies::{header_value, percent_encode};
use super::super::super::state::AppState;
use super::range::{ByteRange, parse_range};
use crate::model::ApiError;
use crate::model::export::ExportId;
use crate::model::route;
use crate::server::app::App;
use crate::server::artifact::ArtifactStream;
use crate::server::export::{Download, Transfer};
use crate::server::identity::Caller;
use crate::server::rpc_context::{accepts_html, authentication};

/// Serves a finished file: 200, 206 for a range, or 304 if the client has it already.
pub async fn download(
    State(state): State<AppState>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, ProblemDetails> {
    let (id, caller) = requested_export(&id, &request)?;
    let download = state.app.exports.find_download(&caller, id).await.map_err(|error| state.api_error(&error))?;
    Ok(file_response(&state, download, request.headers()).await?)
}

/// Rejects HEAD, which would be recorded as a download without being one.
pub async fn reject_head() -> StatusCode {
    StatusCode::METHOD_NOT_ALLOWED
}

/// Cancels a run. A form is redirected to the run's page; a script gets 204.
pub async fn cancel(
    State(state): State<AppState>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, ProblemDetails> {
    let (id, caller) = requested_export(&id, &request)?;
    let selection = state.app.exports.cancel(&caller, id).await.map_err(|error| state.api_error(&error))?;
    if accepts_html(request.headers()) {
        let run = route::run_of(selection.scope().map(|(kind, _)| kind));
        return Ok(Redirect::to(&route::with_id(run, id)).into_response());
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The export that a path names and the caller who asks for it. What is no id is 404.
pub(super) fn requested_export(id: &str, request: &Request) -> Result<(ExportId, Caller), ApiError> {
    let id = id.parse().map_err(|_| ApiError::NotFound)?;
    Ok((id, authentication(request).caller()?))
}

/// The file as a download; a header of the request may ask for a range of it.
pub async fn file_response(state: &AppState, download: Download, request: &HeaderMap) -> Result<Response, ApiError> {
    let etag = format!("\"{}\"", download.sha256);
    let headers = [
        (header::CONTENT_TYPE, download.output.media_type().to_owned()),
        (header::ETAG, etag.clone()),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        (header::CONTENT_DISPOSITION, content_disposition(&download.file_name)),
        (header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'; frame-ancestors 'none'".to_owned()),
    ];
    if request.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes()) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    let (status, first, last) = match parse_range(request, download.bytes, &etag) {
        ByteRange::Full => (StatusCode::OK, 0, download.bytes.saturating_sub(1)),
        ByteRange::Partial(first, last) => (StatusCode::PARTIAL_CONTENT, first, last),
        ByteRange::Unsatisfiable => {
            let range = [(header::CONTENT_RANGE, format!("bytes */{}", download.bytes))];
            return Ok((StatusCode::RANGE_NOT_SATISFIABLE, range).into_response());
        }
    };
    let opened = state.app.exports.open_download(&download, first, last).await;
    let stream = opened.map_err(|error| state.api_error(&error))?;
    let total = download.bytes;
    let body = AuditedBody::body(state.app.clone(), download, stream, first, last);
    let mut response = (status, headers, body).into_response();
    response.headers_mut().insert(header::CONTENT_LENGTH, (last + 1 - first).into());
    if status == StatusCode::PARTIAL_CONTENT {
        let range = header_value(&format!("bytes {first}-{last}/{total}"));
        response.headers_mut().insert(header::CONTENT_RANGE, range);
    }
    Ok(response)
}

/// Content-Disposition (RFC 6266): an ASCII `filename`, and the same as `filename*` in UTF-8 (RFC 8187).
fn content_disposition(name: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' };
    let ascii_name: String = name.chars().map(safe).collect();
    format!("attachment; filename=\"{ascii_name}\"; filename*=UTF-8''{}", percent_encode(&ascii_name))
}

/// A response body that counts the bytes sent and records them in the audit trail when dropped, complete or not.
struct AuditedBody {
    stream: ArtifactStream,
    app: Arc<App>,
    /// `None` once recorded.
    download: Option<Download>,
    sent: Transfer,
}

impl AuditedBody {
    fn body(app: Arc<App>, download: Download, stream: ArtifactStream, first_byte: u64, last_byte: u64) -> Body {
        let sent = Transfer { first_byte, last_byte, bytes_sent: 0 };
        Body::from_stream(Self { stream, app, download: Some(download), sent })
    }
}

impl Stream for AuditedBody {
    type Item = std::io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = Pin::new(&mut self.stream).poll_next(context);
        if let Poll::Ready(Some(Ok(bytes))) = &polled {
            self.sent.bytes_sent += bytes.len() as u64;
        }
        polled
    }
}

impl Drop for AuditedBody {
    fn drop(&mut self) {
        let (app, sent) = (self.app.clone(), self.sent);
        if let (Some(download), Ok(runtime)) = (self.download.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(async move {
                if let Err(error) = app.exports.record_transfer(&download, sent).await {
                    tracing::error!(%error, "a download could not be recorded");
                }
            });
        }
    }
}
