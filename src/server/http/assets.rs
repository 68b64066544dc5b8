//! Static assets, and the fallback for every other path.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use tower::ServiceExt;
use tower_http::services::ServeDir;

use super::{Shared, render_page};

/// In bytes, on common file systems. Opening a longer name is an I/O error, not a missing file.
const LONGEST_NAME: usize = 255;

pub async fn asset_or_not_found(State(shared): State<Shared>, request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    if request.uri().path().split('/').any(|name| name.len() > LONGEST_NAME) {
        return render_page(State(shared), request).await;
    }
    let (parts, body) = request.into_parts();
    let asked = Request::from_parts(parts.clone(), Body::empty());
    let Some(root) = &shared.site.root else {
        return render_page(State(shared), Request::from_parts(parts, body)).await;
    };
    let folder = ServeDir::new(root).append_index_html_on_directories(false);
    let Ok(found) = folder.precompressed_br().precompressed_gzip().oneshot(asked).await;
    if found.status() != StatusCode::NOT_FOUND && found.status() != StatusCode::TEMPORARY_REDIRECT {
        return found.into_response();
    }
    render_page(State(shared), Request::from_parts(parts, body)).await
}
