//! Static assets, and the fallback for every other path.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use tower::ServiceExt;
use tower_http::services::ServeDir;

use super::pages::render_page;
use super::state::AppState;

/// In bytes, on common file systems. Opening a longer name is an I/O error, not a missing file.
const MAX_NAME_BYTES: usize = 255;

pub async fn asset_or_not_found(State(state): State<AppState>, request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    if request.uri().path().split('/').any(|name| name.len() > MAX_NAME_BYTES) {
        return render_page(State(state), request).await;
    }
    let (parts, body) = request.into_parts();
    let asset_request = Request::from_parts(parts.clone(), Body::empty());
    let Some(root) = &state.config.assets_folder else {
        return render_page(State(state), Request::from_parts(parts, body)).await;
    };
    let folder = ServeDir::new(root).append_index_html_on_directories(false);
    let Ok(response) = folder.precompressed_br().precompressed_gzip().oneshot(asset_request).await;
    if response.status() != StatusCode::NOT_FOUND && response.status() != StatusCode::TEMPORARY_REDIRECT {
        return response.into_response();
    }
    render_page(State(state), Request::from_parts(parts, body)).await
}
