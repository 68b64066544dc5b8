//! Who is looking.

use leptos::prelude::*;

use super::json::Json;
use crate::model::ApiError;
use crate::model::access::Viewer;

/// The signed-in person.
///
/// # Errors
/// `Unauthenticated`.
#[server(prefix = "/rpc", endpoint = "find_viewer", output = Json)]
pub async fn find_viewer() -> Result<Viewer, ApiError> {
    crate::server::context::act(async |app, caller| Ok::<_, ApiError>(app.viewer(caller))).await
}
