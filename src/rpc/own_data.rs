//! Server functions for people, about their own data.

use leptos::prelude::*;

use super::json::Json;
use crate::model::ApiError;
use crate::model::export::QueuedExport;
use crate::model::own_data::OwnData;
use crate::model::own_import::OwnImportPageData;

/// Returns what an export of the caller's own data would hold, and what they have exported before.
///
/// # Errors
/// `Unauthenticated`; `NotFound` where nobody has data of their own; `Busy` while too many parts are counted.
#[server(prefix = "/rpc", endpoint = "open_own_data", output = Json)]
pub async fn open_own_data() -> Result<OwnData, ApiError> {
    use crate::server::rpc_context::with_caller;
    let data = with_caller(async |app, caller| app.exports.open_own_data(&caller).await).await?;
    let history = with_caller(async |app, caller| app.history.of_own_data(&caller).await).await?;
    Ok(OwnData { history, ..data })
}

/// Returns what the page shows on which people import into their own data, or that imports are off.
///
/// # Errors
/// `Unauthenticated`; `Forbidden` for who has no data here; `Unavailable` if the database does not answer.
#[server(prefix = "/rpc", endpoint = "open_own_import", output = Json)]
pub async fn open_own_import() -> Result<OwnImportPageData, ApiError> {
    use crate::server::rpc_context::with_caller;
    with_caller(async |app, caller| app.import_page.open_own(&caller).await).await
}

/// Queues an export of the caller's own data. Redirects a plain form to the page of the run.
///
/// # Errors
/// `Unauthenticated`; `NotFound` where nobody has data of their own; `Busy` while too many exports run; `Unavailable` if the disk
/// has too little space.
#[server(prefix = "/rpc", endpoint = "request_own_data", output = Json)]
pub async fn request_own_data() -> Result<QueuedExport, ApiError> {
    use crate::model::channel::Channel;
    use crate::model::route;
    use crate::server::rpc_context::{redirect_form, with_caller};
    let requested = with_caller(async |app, caller| app.exports.request_own_data(&caller, Channel::Page).await).await;
    let back = |problem: &str| format!("{}?problem={problem}", route::OWN_DATA);
    match &requested {
        Ok(run) => redirect_form(&route::new_run(route::OWN_DATA_RUN, run.id)),
        Err(ApiError::Busy { .. }) => redirect_form(&back("busy")),
        Err(_) => redirect_form(&back("failed")),
    }
    requested
}
