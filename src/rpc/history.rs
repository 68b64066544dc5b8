//! Past exports.

use leptos::prelude::*;

use super::json::Json;
use crate::model::ApiError;
use crate::model::history::{AuditPage, HistoryPage, Recognised};

/// One page of history, newest first; pages count from 1.
///
/// # Errors
/// `Unauthenticated` or `Forbidden`.
#[server(prefix = "/rpc", endpoint = "list_exports", output = Json)]
pub async fn list_exports(page: u32) -> Result<HistoryPage, ApiError> {
    crate::server::context::act(async |app, caller| app.history.list(&caller, page).await).await
}

/// What this console knows of the file with this digest in its seal.
///
/// # Errors
/// `Unauthenticated`.
#[server(prefix = "/rpc", endpoint = "recognise_file", output = Json)]
pub async fn recognise_file(sha256: String) -> Result<Recognised, ApiError> {
    crate::server::context::act(async |app, caller| app.history.recognise(&caller, &sha256).await).await
}

/// One page of the audit trail, newest first: of one kind and one person where these are given, older than the entry
/// `before` where that is not 0.
///
/// # Errors
/// `Unauthenticated` or `Forbidden`.
#[server(prefix = "/rpc", endpoint = "list_audit", output = Json)]
pub async fn list_audit(kind: String, actor: String, before: u64) -> Result<AuditPage, ApiError> {
    crate::server::context::act(async |app, caller| app.history.audit(&caller, &kind, &actor, before).await).await
}
