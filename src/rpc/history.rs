//! Server functions for past exports, known files and the audit trail.

use leptos::prelude::*;

use super::json::Json;
use crate::model::ApiError;
use crate::model::history::{AuditPage, FileRecognition, HistoryPage};

/// Returns one page of the history, newest first; pages are numbered from 1.
///
/// # Errors
/// `Unauthenticated` or `Forbidden`.
#[server(prefix = "/rpc", endpoint = "list_exports", output = Json)]
pub async fn list_exports(page: u32) -> Result<HistoryPage, ApiError> {
    crate::server::rpc_context::with_caller(async |app, caller| app.history.list(&caller, page).await).await
}

/// Returns what this installation knows about the file with this digest in its seal.
///
/// # Errors
/// `Unauthenticated`.
#[server(prefix = "/rpc", endpoint = "recognise_file", output = Json)]
pub async fn recognise_file(sha256: String) -> Result<FileRecognition, ApiError> {
    crate::server::rpc_context::with_caller(async |app, caller| app.history.identify_file(&caller, &sha256).await).await
}

/// Returns one page of the audit trail, newest first. An empty `kind` or `actor` means any; unless `before` is 0, only
/// entries with a smaller number are returned.
///
/// # Errors
/// `Unauthenticated` or `Forbidden`.
#[server(prefix = "/rpc", endpoint = "list_audit", output = Json)]
pub async fn list_audit(kind: String, actor: String, before: u64) -> Result<AuditPage, ApiError> {
    crate::server::rpc_context::with_caller(async |app, caller| app.history.audit(&caller, &kind, &actor, before).await)
        .await
}
