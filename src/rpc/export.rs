//! Server functions that preview, request and show exports.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::json::Json;
use crate::model::ApiError;
use crate::model::export::{ExportId, QueuedExport, RunView};
use crate::model::output::Compression;
use crate::model::part_filters::PartFilters;
use crate::model::preview::Preview;

/// What the export page shows when it is opened.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ExportPageData {
    pub preview: Preview,
    /// The caller's unfinished run, or their newest if its file is still kept.
    pub run: Option<RunView>,
    /// Why there is no preview: the address names a part that does not exist.
    pub problem: Option<String>,
}

/// Returns the preview of the part that the query of the page's address names (`PartQuery`), and the caller's run if there
/// is one to show. A page of a part that does not exist has the status of the error, and says why.
///
/// # Errors
/// `Unauthenticated` or `Forbidden`. Errors of the source are in the preview.
#[server(prefix = "/rpc", endpoint = "open_export_page", output = Json)]
pub async fn open_export_page(#[server(default)] part: String) -> Result<ExportPageData, ApiError> {
    let opened =
        crate::server::rpc_context::with_caller(async |app, caller| app.exports.open_page(&caller, &part).await).await;
    match opened {
        Ok((preview, run)) => Ok(ExportPageData { preview, run, problem: None }),
        Err(ApiError::Invalid(problem)) => Ok(ExportPageData { problem: Some(problem), ..ExportPageData::default() }),
        Err(error) => Err(error),
    }
}

/// Returns the counts and sizes of the part that are known after half a second. The queries for `instead_of`, which the page
/// has waited for until now, are ended. Redirects a plain form to the page.
///
/// # Errors
/// `Unauthenticated`, `Forbidden`, `Invalid` if the part does not exist, `Busy` while too many parts are counted.
#[server(prefix = "/rpc", endpoint = "preview_export", output = Json)]
pub async fn preview_export(
    #[server(default)] part: String,
    refresh: bool,
    #[server(default)] instead_of: Option<String>,
) -> Result<Preview, ApiError> {
    use crate::model::part_query::PartQuery;
    use crate::server::rpc_context::{redirect_form, with_caller};
    let preview =
        with_caller(async |app, caller| app.exports.preview(&caller, &part, refresh, instead_of.as_deref()).await)
            .await;
    redirect_form(&PartQuery::page_of(&part, ""));
    preview
}

/// Queues an export of the part, or of the whole database. Redirects a plain form to the page of the run.
///
/// # Errors
/// `Unauthenticated`, `Forbidden`, `Invalid` if the part does not exist, `Busy` while too many exports run, `Unavailable`
/// if the disk has too little space.
#[server(prefix = "/rpc", endpoint = "request_export", output = Json)]
pub async fn request_export(
    #[server(default)] part: String,
    #[server(default)] compression: Compression,
) -> Result<QueuedExport, ApiError> {
    use crate::model::part_query::PartQuery;
    use crate::model::route;
    use crate::server::rpc_context::{redirect_form, with_caller};
    let requested = with_caller(async |app, caller| app.exports.request(&caller, &part, compression).await).await;
    match &requested {
        Ok(run) => redirect_form(&route::new_run(route::RUN, run.id)),
        Err(ApiError::Busy { .. }) => redirect_form(&PartQuery::page_of(&part, "busy")),
        // The page says itself what is wrong with its part.
        Err(ApiError::Invalid(_)) => redirect_form(&PartQuery::page_of(&part, "")),
        Err(_) => redirect_form(&PartQuery::page_of(&part, "failed")),
    }
    requested
}

/// Returns the filters with what is chosen, and what a search finds among their records: `find.NAME` in the query.
///
/// # Errors
/// `Unauthenticated`, `Forbidden`, or `Invalid` if the query is none. Errors of the source are in `failure`.
#[server(prefix = "/rpc", endpoint = "list_filters", output = Json)]
pub async fn list_filters(#[server(default)] part: String) -> Result<PartFilters, ApiError> {
    crate::server::rpc_context::with_caller(async |app, caller| app.exports.part_filters(&caller, &part).await).await
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
