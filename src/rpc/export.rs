//! Server functions that preview, request and show exports.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::json::Json;
use crate::model::ApiError;
use crate::model::export::{ExportId, QueuedExport, RunView};
use crate::model::output::Compression;
use crate::model::preview::Preview;

/// What the export page shows when it is opened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExportPageData {
    pub preview: Preview,
    /// The caller's unfinished run, or their newest if its file is still kept.
    pub run: Option<RunView>,
}

/// Returns the preview, and the caller's run if there is one to show.
///
/// # Errors
/// `Unauthenticated` or `Forbidden`. Errors of the source are in the preview.
#[server(prefix = "/rpc", endpoint = "open_export_page", output = Json)]
pub async fn open_export_page() -> Result<ExportPageData, ApiError> {
    let opened =
        crate::server::rpc_context::with_caller(async |app, caller| app.exports.open_page(&caller).await).await;
    opened.map(|(preview, run)| ExportPageData { preview, run })
}

/// Returns the counts and sizes known after half a second. Redirects a plain form to the page.
///
/// # Errors
/// `Unauthenticated` or `Forbidden`.
#[server(prefix = "/rpc", endpoint = "preview_export", output = Json)]
pub async fn preview_export(refresh: bool) -> Result<Preview, ApiError> {
    use crate::model::route;
    use crate::server::rpc_context::{redirect_form, with_caller};
    let preview = with_caller(async |app, caller| app.exports.preview(&caller, refresh).await).await;
    redirect_form(route::EXPORT);
    preview
}

/// Queues an export of the whole database. Redirects a plain form to the page of the run.
///
/// # Errors
/// `Unauthenticated`, `Forbidden`, `Busy` while too many exports run, `Unavailable` if the disk has too little space.
#[server(prefix = "/rpc", endpoint = "request_export", output = Json)]
pub async fn request_export(#[server(default)] compression: Compression) -> Result<QueuedExport, ApiError> {
    use crate::model::route;
    use crate::server::rpc_context::{redirect_form, with_caller};
    let requested = with_caller(async |app, caller| app.exports.request(&caller, compression).await).await;
    match &requested {
        Ok(run) => redirect_form(&route::with_id(route::RUN, run.id)),
        Err(ApiError::Busy { .. }) => redirect_form(&format!("{}?problem=busy", route::EXPORT)),
        Err(_) => redirect_form(&format!("{}?problem=failed", route::EXPORT)),
    }
    requested
}

/// Returns one of the caller's exports.
///
/// # Errors
/// `Unauthenticated`, `Forbidden`, or `NotFound` when it is not the caller's.
#[server(prefix = "/rpc", endpoint = "view_export", output = Json)]
pub async fn view_export(id: ExportId) -> Result<RunView, ApiError> {
    crate::server::rpc_context::with_caller(async |app, caller| app.exports.view(&caller, id).await).await
}

/// Returns the analysis guide as HTML.
///
/// # Errors
/// `Unauthenticated` or `Forbidden`.
#[server(prefix = "/rpc", endpoint = "analysis_guide", output = Json)]
pub async fn analysis_guide() -> Result<String, ApiError> {
    crate::server::rpc_context::with_caller(async |app, caller| app.exports.guide(&caller).await).await
}
