//! `GET /api/v1/exports/{id}/events`: progress of a run as server-sent events.

use std::time::{Duration, Instant};

use axum::extract::{Path, Request, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream;

use super::super::super::problem::ProblemDetails;
use super::super::super::security::cookies::session_token;
use super::super::super::state::AppState;
use super::export_file::requested_export;
use crate::model::ApiError;
use crate::model::export::{ExportId, RunView};
use crate::server::app::App;
use crate::server::identity::{self, Caller};

/// Polling interval: as often as a progress bar visibly moves.
const POLL_INTERVAL: Duration = Duration::from_millis(200);
/// Interval of access checks: after sign-out, the stream ends within this time.
const ACCESS_CHECK_INTERVAL: Duration = Duration::from_secs(2);

/// Sends the run's state whenever it changes, and ends when the run is over. Each event's data is a `RunView` as JSON.
pub async fn events(
    State(state): State<AppState>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, ProblemDetails> {
    let (id, caller) = requested_export(&id, &request)?;
    let first = state.app.exports.view(&caller, id).await.map_err(|error| state.api_error(&error))?;
    let permit = state.event_streams.clone().try_acquire_owned();
    let permit = permit.map_err(|_| ApiError::Overloaded { retry_after_seconds: 5 })?;
    let token = session_token(request.headers(), &state).ok_or(ApiError::Unauthenticated)?;
    let app = state.app.clone();
    let initial = StreamState { last_sent: None, view: first, caller, access_checked_at: Instant::now() };
    let changes = stream::unfold(Some(initial), move |step| {
        let (app, token) = (app.clone(), token.clone());
        let _permit = &permit;
        async move {
            let step = step?.next_change(&app, &token, id).await?;
            let event = Event::default().json_data(&step.view);
            let next = (!step.view.state.is_finished()).then_some(step);
            Some((event, next))
        }
    });
    Ok(Sse::new(changes).keep_alive(KeepAlive::default()).into_response())
}

/// State of the stream between two events.
struct StreamState {
    last_sent: Option<RunView>,
    view: RunView,
    caller: Caller,
    access_checked_at: Instant,
}

impl StreamState {
    /// Waits for a change. `None` if the client has been signed out or may no longer see the run.
    async fn next_change(mut self, app: &App, token: &str, id: ExportId) -> Option<Self> {
        while self.last_sent.as_ref() == Some(&self.view) {
            tokio::time::sleep(POLL_INTERVAL).await;
            if self.access_checked_at.elapsed() >= ACCESS_CHECK_INTERVAL {
                match app.identity.find_caller(token).await {
                    Ok(caller) => self.caller = caller?,
                    // Overload must not end the progress stream.
                    Err(identity::Error::Overloaded) => {}
                    Err(_) => return None,
                }
                self.access_checked_at = Instant::now();
            }
            self.view = app.exports.view(&self.caller, id).await.ok()?;
        }
        self.last_sent = Some(self.view.clone());
        Some(self)
    }
}
