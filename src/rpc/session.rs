//! Server functions for the signed-in user.

use leptos::prelude::*;

use super::json::Json;
use crate::model::ApiError;
use crate::model::access::{AccountView, Viewer};

/// Returns the signed-in user.
///
/// # Errors
/// `Unauthenticated`.
#[server(prefix = "/rpc", endpoint = "find_viewer", output = Json)]
pub async fn find_viewer() -> Result<Viewer, ApiError> {
    crate::server::rpc_context::with_caller(async |app, caller| Ok::<_, ApiError>(app.viewer(caller))).await
}

/// Returns the signed-in user's own account.
///
/// # Errors
/// `Unauthenticated`.
#[server(prefix = "/rpc", endpoint = "view_account", output = Json)]
pub async fn view_account() -> Result<AccountView, ApiError> {
    crate::server::rpc_context::with_caller(async |app, caller| app.identity.view_account(&caller).await).await
}
