//! `GET /api/v1/exports/{id}/events`: progress of a run as server-sent events.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use axum::extract::{Path, Request, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream;

use super::Shared;
use super::file::{export_id, visitor};
use super::problem::Problem;
use super::session::session_token;
use crate::model::ApiError;
use crate::model::export::{ExportId, RunView};
use crate::server::app::App;
use crate::server::identity::{self, Caller};

/// Polling interval: as often as a progress bar visibly moves.
const EVERY: Duration = Duration::from_millis(200);
/// Interval of access checks: after sign-out, the stream ends within this time.
const ASK_WHO_EVERY: Duration = Duration::from_secs(2);

/// Sends the run's state whenever it changes, and ends when the run is over. Each event's data is a `RunView` as JSON.
pub async fn events(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let id = export_id(&id)?;
    let caller = visitor(&request).caller()?;
    let first = shared.app.exports.view(&caller, id).await?;
    let place = shared.listeners.clone().try_acquire_owned();
    let place = place.map_err(|_| Problem(ApiError::Crowded { retry_after_seconds: 5 }))?;
    let token = session_token(request.headers(), &shared).unwrap_or_default();
    let app = shared.app.clone();
    let begin = Step { shown: None, view: first, caller, asked: Instant::now() };
    let changes = stream::unfold(Some(begin), move |step| {
        let (app, token) = (app.clone(), token.clone());
        let _place = &place;
        async move {
            let step = step?.next_change(&app, &token, id).await?;
            let data = serde_json::to_string(&step.view).unwrap_or_default();
            let next = (!step.view.state.is_over()).then_some(step);
            Some((Ok::<_, Infallible>(Event::default().data(data)), next))
        }
    });
    Ok(Sse::new(changes).keep_alive(KeepAlive::default()).into_response())
}

/// State of the stream between two events.
struct Step {
    shown: Option<RunView>,
    view: RunView,
    caller: Caller,
    asked: Instant,
}

impl Step {
    /// Waits for a change. `None` if the client has been signed out or may no longer see the run.
    async fn next_change(mut self, app: &App, token: &str, id: ExportId) -> Option<Self> {
        while self.shown.as_ref() == Some(&self.view) {
            tokio::time::sleep(EVERY).await;
            if self.asked.elapsed() >= ASK_WHO_EVERY {
                match app.identity.caller(token).await {
                    Ok(caller) => self.caller = caller?,
                    // Overload must not end the progress stream.
                    Err(identity::Error::Crowded) => {}
                    Err(_) => return None,
                }
                self.asked = Instant::now();
            }
            self.view = app.exports.view(&self.caller, id).await.ok()?;
        }
        self.shown = Some(self.view.clone());
        Some(self)
    }
}
