//! `GET /api/export`: a person's own data, as an archive.
//!
//! The one `GET` that starts work: the address is the application's. So it is answered for the application's own pages and for
//! addresses that somebody has typed, and not where a page of another site, or a browser that guesses, asks for it.

use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::json;

use super::super::problem::ProblemDetails;
use super::super::security::cookies::{percent_encode, session_token};
use super::super::security::public_url::PublicUrl;
use super::super::state::AppState;
use super::organization::not_completed;
use super::v1::export_file::file_response;
use crate::model::ApiError;
use crate::model::export::{ExportId, RunState};
use crate::model::route;
use crate::server::identity::Caller;
use crate::server::rpc_context::{accepts_html, authentication};

/// How soon the end of a small export is noticed.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// A file may be replaced while it is waited for; how often, one person alone decides.
const MAX_JOINS: u32 = 10;
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// What browsers say when nobody has asked for the answer yet.
const PURPOSES: [HeaderName; 3] =
    [HeaderName::from_static("sec-purpose"), HeaderName::from_static("purpose"), HeaderName::from_static("x-moz")];

/// Exports, waits for the end, and sends the archive. What takes longer is answered with 202: the same request gets it later.
pub async fn export_own_data(State(state): State<AppState>, request: Request) -> Result<Response, ProblemDetails> {
    if is_foreign(request.headers(), state.config.public_url.as_ref()) || is_fetched_ahead(request.headers()) {
        let what = "This address exports your data: open it from this site, or type it.";
        return Err(ProblemDetails::with_detail(ApiError::Forbidden, what));
    }
    let is_browser = accepts_html(request.headers());
    match answer(&state, request).await {
        // Somebody has typed the address.
        Err(ApiError::Unauthenticated) if is_browser => Ok(Redirect::to(&sign_in_page()).into_response()),
        answer => Ok(answer?),
    }
}

/// Where somebody signs in, and comes to their data from.
fn sign_in_page() -> String {
    format!("{}?next={}", route::LOGIN, percent_encode(route::OWN_DATA))
}

/// Whether a page of another site asks (Fetch Metadata, W3C 2021, 2.4). Browsers do not say so over plain HTTP: then the page from
/// which it comes must be of this host, if there is one.
fn is_foreign(headers: &HeaderMap, public_url: Option<&PublicUrl>) -> bool {
    if let Some(site) = headers.get(SEC_FETCH_SITE) {
        return !matches!(site.as_bytes(), b"same-origin" | b"none");
    }
    let text = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let own = [text(&header::HOST), public_url.map(|url| host_of(&url.origin))];
    let pages = [text(&header::ORIGIN), text(&header::REFERER)];
    pages.into_iter().flatten().any(|page| !own.iter().flatten().any(|own| host_of(page).eq_ignore_ascii_case(own)))
}

/// Host and port of an address.
fn host_of(address: &str) -> &str {
    let rest = address.split_once("://").map_or("", |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

/// Whether a browser only guesses that somebody will ask (HTML, prefetching; older browsers: `Purpose`, `X-Moz`).
fn is_fetched_ahead(headers: &HeaderMap) -> bool {
    let is_guess = |purpose: &HeaderName| {
        let value = headers.get(purpose).and_then(|value| value.to_str().ok()).unwrap_or_default().to_ascii_lowercase();
        value.contains("prefetch") || value.contains("preview")
    };
    PURPOSES.iter().any(is_guess)
}

async fn answer(state: &AppState, request: Request) -> Result<Response, ApiError> {
    let caller = authentication(&request).caller()?;
    if request.uri().query().is_some() {
        return Err(ApiError::Invalid("This address takes no parameters: it has all of your own data.".into()));
    }
    let caller_ip = caller.client_ip;
    let token = session_token(request.headers(), state).ok_or(ApiError::Unauthenticated)?;
    let exports = &state.app.exports;
    for _ in 0..MAX_JOINS {
        let id = exports.join_own_data(&caller).await.map_err(|error| state.api_error(&error))?.id;
        let Some(ended) = wait_for_end(state, &caller, id).await? else { return Ok(accepted(id)) };
        // Whoever has lost the account meanwhile gets nothing of it.
        let now = state.app.identity.find_caller(&token).await.map_err(|error| state.api_error(&error))?;
        let now = now.map(|now| Caller { client_ip: caller_ip, ..now }).ok_or(ApiError::Unauthenticated)?;
        if !matches!(ended, RunState::Completed(_) | RunState::Expired(_)) {
            exports.view(&now, id).await.map_err(|error| state.api_error(&error))?;
            return Err(not_completed(ended));
        }
        let found = exports.find_download(&now, id).await.map_err(|error| state.api_error(&error));
        let answer = match found {
            Ok(download) => file_response(state, download, &HeaderMap::new()).await,
            Err(error) => Err(error),
        };
        // A newer request of theirs may have replaced it.
        if !matches!(answer, Err(ApiError::Gone)) {
            return answer;
        }
    }
    Err(ApiError::Gone)
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
