//! `GET /api/export`: a person's own data, as an archive.
//!
//! The one `GET` that starts work: the address is the application's. So it is answered for the application's own pages and for
//! addresses that somebody has typed, and not where a page of another site, or a browser that guesses, asks for it.

use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::super::problem::ProblemDetails;
use super::super::security::cookies::session_token;
use super::super::state::AppState;
use super::organization::not_completed;
use super::v1::export_file::file_response;
use crate::model::ApiError;
use crate::model::export::{ExportId, RunState};
use crate::model::route;
use crate::server::identity::Caller;
use crate::server::rpc_context::authentication;

/// How soon the end of a small export is noticed.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// What browsers say when nobody has asked for the answer yet.
const PURPOSES: [HeaderName; 3] =
    [HeaderName::from_static("sec-purpose"), HeaderName::from_static("purpose"), HeaderName::from_static("x-moz")];

/// Exports, waits for the end, and sends the archive. What takes longer is answered with 202: the same request gets it later.
pub async fn export_own_data(State(state): State<AppState>, request: Request) -> Result<Response, ProblemDetails> {
    if is_foreign_or_prefetch(request.headers()) {
        let what = "This address exports your data: open it from this site, or type it.";
        return Err(ProblemDetails::with_detail(ApiError::Forbidden, what));
    }
    Ok(export(&state, request).await?)
}

/// Whether a page of another site asks, or a browser that only guesses (Fetch Metadata, W3C 2021, 2.4; HTML, prefetching).
fn is_foreign_or_prefetch(headers: &HeaderMap) -> bool {
    let site = headers.get(SEC_FETCH_SITE).map(HeaderValue::as_bytes);
    let is_foreign = site.is_some_and(|site| !matches!(site, b"same-origin" | b"none"));
    let is_prefetch = |purpose: &HeaderName| {
        headers.get(purpose).and_then(|value| value.to_str().ok()).is_some_and(|value| value.contains("prefetch"))
    };
    is_foreign || PURPOSES.iter().any(is_prefetch)
}

async fn export(state: &AppState, request: Request) -> Result<Response, ApiError> {
    let caller = authentication(&request).caller()?;
    if request.uri().query().is_some() {
        return Err(ApiError::Invalid("This address takes no parameters: it has all of your own data.".into()));
    }
    let caller_ip = caller.client_ip;
    let token = session_token(request.headers(), state).ok_or(ApiError::Unauthenticated)?;
    let exports = &state.app.exports;
    let id = exports.join_own_data(&caller).await.map_err(|error| state.api_error(&error))?.id;
    let Some(ended) = wait_for_end(state, &caller, id).await? else { return Ok(accepted(id)) };
    // Whoever has lost the account meanwhile gets nothing of it.
    let caller = state.app.identity.find_caller(&token).await.map_err(|error| state.api_error(&error))?;
    let caller = caller.map(|now| Caller { client_ip: caller_ip, ..now }).ok_or(ApiError::Unauthenticated)?;
    if !matches!(ended, RunState::Completed(_)) {
        exports.view(&caller, id).await.map_err(|error| state.api_error(&error))?;
        return Err(not_completed(ended));
    }
    let download = exports.find_download(&caller, id).await.map_err(|error| state.api_error(&error))?;
    file_response(state, download, &HeaderMap::new()).await
}

/// How the run has ended; nothing if it takes longer than a request may wait.
async fn wait_for_end(state: &AppState, caller: &Caller, id: ExportId) -> Result<Option<RunState>, ApiError> {
    let since = Instant::now();
    loop {
        let view = state.app.exports.view(caller, id).await.map_err(|error| state.api_error(&error))?;
        match view.state {
            RunState::Queued | RunState::Running(_) if since.elapsed() >= state.config.own_data_wait => {
                return Ok(None);
            }
            RunState::Queued | RunState::Running(_) => tokio::time::sleep(POLL_INTERVAL).await,
            ended => return Ok(Some(ended)),
        }
    }
}

/// Where the run can be watched, and its file fetched.
fn accepted(id: ExportId) -> Response {
    let status = route::with_id(route::OWN_DATA_RUN, id);
    let body = json!({
        "status": status,
        "events": route::with_id(route::EXPORT_EVENTS, id),
        "file": route::with_id(route::EXPORT_FILE, id),
    });
    let headers = [(header::LOCATION, status), (header::RETRY_AFTER, "5".to_owned())];
    (StatusCode::ACCEPTED, headers, Json(body)).into_response()
}
