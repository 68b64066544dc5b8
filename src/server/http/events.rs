//! `GET /api/v1/exports/{id}/events`: the page's progress channel (server-sent events).

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Path, Request, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream;

use super::Shared;
use super::file::{export_id, visitor};
use super::problem::Problem;
use crate::model::export::RunView;

/// As often as a progress bar can be seen to move.
const EVERY: Duration = Duration::from_millis(200);

/// Sends the run's state whenever it changed, and ends when the run is over. Each event's data is a
/// `RunView` as JSON.
pub async fn events(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let id = export_id(&id)?;
    let caller = visitor(&request).caller()?;
    let first = shared.app.exports.view(&caller, id).await?;
    let exports = shared.app.exports.clone();
    let changes = stream::unfold(Some((None, first)), move |step: Option<(Option<RunView>, RunView)>| {
        let (exports, caller) = (exports.clone(), caller.clone());
        async move {
            let (shown, mut view) = step?;
            while shown.as_ref() == Some(&view) {
                tokio::time::sleep(EVERY).await;
                view = exports.view(&caller, id).await.ok()?;
            }
            let data = serde_json::to_string(&view).unwrap_or_default();
            let next = (!view.state.is_over()).then(|| (Some(view.clone()), view));
            Some((Ok::<_, Infallible>(Event::default().data(data)), next))
        }
    });
    Ok(Sse::new(changes).keep_alive(KeepAlive::default()).into_response())
}
