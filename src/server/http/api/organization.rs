//! `POST /api/admin/export`: everything of an organisation, as one document, for its owner.

use std::time::Duration;

use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Deserializer};

use super::super::problem::ProblemDetails;
use super::super::security::cookies::session_token;
use super::super::state::AppState;
use super::v1::export_file::file_response;
use crate::model::ApiError;
use crate::model::export::{ExportId, Failure, RunState};
use crate::server::identity::Caller;
use crate::server::rpc_context::authentication;

/// How soon the end of a small export is noticed.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// An id and its key are much shorter.
const MAX_BODY_BYTES: usize = 16 << 10;

/// What a request may say.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct OrganizationRequest {
    /// One of those that the caller owns.
    #[serde(default, deserialize_with = "text")]
    organization_id: Option<String>,
}

/// A text, and not null.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    String::deserialize(deserializer).map(Some)
}

/// Exports, waits for the end, and sends the document.
pub async fn export_organization(State(state): State<AppState>, request: Request) -> Result<Response, ProblemDetails> {
    export(&state, request).await.map_err(in_words)
}

/// Whoever owns the organisation no more may be told so at any step.
fn in_words(error: ApiError) -> ProblemDetails {
    match &error {
        ApiError::Forbidden => ProblemDetails::with_detail(error, "Only an owner of an organisation may export it."),
        // The same words for one that does not exist and for one of others.
        ApiError::NotFound => ProblemDetails::with_detail(error, "You own no organisation with this id."),
        _ => error.into(),
    }
}

async fn export(state: &AppState, request: Request) -> Result<Response, ApiError> {
    let caller = authentication(&request).caller()?;
    if request.uri().query().is_some() {
        return Err(ApiError::Invalid("This address takes no parameters: the body may name an organizationId.".into()));
    }
    let caller_ip = caller.client_ip;
    let token = session_token(request.headers(), state).ok_or(ApiError::Unauthenticated)?;
    let Ok(body) = to_bytes(request.into_body(), MAX_BODY_BYTES).await else {
        return Ok(StatusCode::PAYLOAD_TOO_LARGE.into_response());
    };
    let asked: Vec<String> = parse(&body)?.organization_id.into_iter().collect();
    let exports = &state.app.exports;
    let queued = exports.request_small_organization(&caller, &asked, state.config.max_direct_bytes).await;
    let id = queued.map_err(|error| state.api_error(&error))?.id;
    let ended = wait_for_end(state, &caller, id).await?;
    // Whoever has lost the organisation meanwhile gets nothing of it.
    let caller = state.app.identity.find_caller(&token).await.map_err(|error| state.api_error(&error))?;
    let caller = caller.map(|now| Caller { client_ip: caller_ip, ..now }).ok_or(ApiError::Unauthenticated)?;
    if !matches!(ended, RunState::Completed(_)) {
        exports.view(&caller, id).await.map_err(|error| state.api_error(&error))?;
        return Err(not_completed(ended));
    }
    let download = exports.find_download(&caller, id).await.map_err(|error| state.api_error(&error))?;
    file_response(state, download.for_one_answer(), &HeaderMap::new()).await
}

fn parse(body: &Bytes) -> Result<OrganizationRequest, ApiError> {
    if body.is_empty() {
        return Ok(OrganizationRequest::default());
    }
    // A list would be read as the values of the fields.
    let is_object = body.trim_ascii_start().starts_with(b"{");
    let parsed = is_object.then(|| serde_json::from_slice(body).ok()).flatten();
    parsed.ok_or_else(unreadable)
}

fn unreadable() -> ApiError {
    ApiError::Invalid("The body is none, or a JSON object with nothing but the text organizationId.".into())
}

async fn wait_for_end(state: &AppState, caller: &Caller, id: ExportId) -> Result<RunState, ApiError> {
    loop {
        let view = state.app.exports.view(caller, id).await.map_err(|error| state.api_error(&error))?;
        match view.state {
            RunState::Queued | RunState::Running(_) => tokio::time::sleep(POLL_INTERVAL).await,
            ended => return Ok(ended),
        }
    }
}

/// Why there is no document. Of a failure, the log says more under the reference.
pub(super) fn not_completed(ended: RunState) -> ApiError {
    match ended {
        RunState::Failed { failure: Failure { message, reference }, .. } => {
            let reference = reference.map_or_else(String::new, |reference| format!(" Reference {reference}."));
            ApiError::Unavailable(format!("{message}{reference}"))
        }
        RunState::Cancelled { .. } => ApiError::Conflict("The export was cancelled on its page.".into()),
        _ => ApiError::Gone,
    }
}
