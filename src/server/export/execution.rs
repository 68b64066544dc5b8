//! An export at its three stages: claimed, written, and complete.

use super::delivery::Delivered;
use super::request::ExportRequest;
use crate::model::drift::Deviations;
use crate::model::export::ExportSummary;
use crate::model::manifest::{AuditHead, Metadata};
use crate::seal::DocumentSummary;
use crate::server::jobs::Fence;
use crate::server::state::exports::ExportRow;

/// An export that this process has claimed and must run.
#[derive(Clone)]
pub(super) struct ClaimedExport {
    pub fence: Fence,
    pub row: ExportRow,
    pub request: ExportRequest,
    pub audit_head: AuditHead,
}

/// An export that is complete, delivered and recorded.
pub(super) struct Executed {
    pub metadata: Metadata,
    pub summary: ExportSummary,
    pub delivered: Delivered,
}

/// A written and sealed file, before it is recorded.
pub(super) struct Written {
    pub metadata: Metadata,
    pub deviations: Deviations,
    pub contains: Option<String>,
    pub sealed: DocumentSummary,
}
