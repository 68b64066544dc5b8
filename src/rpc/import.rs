//! The server function of the import page. Files are sent to `/api/v1/imports`.

use leptos::prelude::*;

use super::json::Json;
use crate::model::ApiError;
use crate::model::import_page::ImportPageData;

/// Returns what the page shows, or that imports are off.
///
/// # Errors
/// `Unauthenticated` or `Forbidden`; `Unavailable` if the database does not answer.
#[server(prefix = "/rpc", endpoint = "open_import_page", output = Json)]
pub async fn open_import_page() -> Result<ImportPageData, ApiError> {
    use crate::server::rpc_context::with_caller;
    with_caller(async |app, caller| app.import_page.open(&caller).await).await
}
