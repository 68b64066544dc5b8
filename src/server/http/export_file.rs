//! `GET /api/v1/exports/{id}/file` (download) and `POST …/cancellation`.

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use futures::Stream;
use tokio::io::AsyncReadExt;
use tokio_util::io::ReaderStream;

use super::cookies::{header_value, percent_encode};
use super::problem::ProblemDetails;
use super::range::{ByteRange, parse_range};
use super::state::AppState;
use crate::model::ApiError;
use crate::model::export::ExportId;
use crate::model::output::Output;
use crate::server::app::App;
use crate::server::export::{Download, Transfer};
use crate::server::rpc_context::Authentication;

/// Serves a finished file: 200, 206 for a range, or 304 if the client has it already.
pub async fn download(
    State(state): State<AppState>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, ProblemDetails> {
    let id = parse_export_id(&id)?;
    let caller = authentication(&request).caller()?;
    let download = state.app.exports.find_download(&caller, id).await?;
    file_response(&state.app, download, request.headers()).await
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
    let id = parse_export_id(&id)?;
    let caller = authentication(&request).caller()?;
    state.app.exports.cancel(&caller, id).await?;
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    if accept.is_some_and(|accept| accept.contains("text/html")) {
        return Ok(Redirect::to(&format!("/admin/developer-tools/export/runs/{id}")).into_response());
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(super) fn authentication(request: &Request) -> Authentication {
    request.extensions().get::<Authentication>().cloned().unwrap_or(Authentication::Anonymous)
}

/// Parses the id in a path. Anything else is 404.
pub(super) fn parse_export_id(text: &str) -> Result<ExportId, ProblemDetails> {
    text.parse().map_err(|_| ProblemDetails(ApiError::NotFound))
}

async fn file_response(app: &Arc<App>, download: Download, request: &HeaderMap) -> Result<Response, ProblemDetails> {
    let etag = format!("\"{}\"", download.sha256);
    let headers = [
        (header::CONTENT_TYPE, Output::from_file_name(&download.file_name).media_type().to_owned()),
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
    let gone = |_| ProblemDetails(ApiError::Gone);
    let mut file = app.exports.open_download(&download, first).await?;
    file.seek(SeekFrom::Start(first)).map_err(gone)?;
    let total = download.bytes;
    let body = AuditedBody::body(app.clone(), download, file, first, last);
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
    stream: ReaderStream<tokio::io::Take<tokio::fs::File>>,
    app: Arc<App>,
    /// `None` once recorded.
    download: Option<Download>,
    sent: Transfer,
}

impl AuditedBody {
    fn body(app: Arc<App>, download: Download, file: File, first_byte: u64, last_byte: u64) -> Body {
        let file = tokio::fs::File::from_std(file).take(last_byte + 1 - first_byte);
        let stream = ReaderStream::with_capacity(file, 64 << 10);
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
