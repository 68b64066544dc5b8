//! Past exports, known files and audit entries, as the pages show them.

use serde::{Deserialize, Serialize};

use super::channel::Channel;
use super::export::{ExportId, RunState};
use super::manifest::ExportType;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistoryPage {
    /// Newest first.
    pub entries: Vec<HistoryEntry>,
    /// Starts at 1.
    pub page: u32,
    pub pages: u32,
    pub total: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistoryEntry {
    pub id: ExportId,
    /// RFC 3339, UTC.
    pub requested_at: String,
    pub requested_by: String,
    pub export_type: ExportType,
    /// The filters of a part, one per line; empty for the whole database.
    pub selection: Vec<String>,
    pub channel: Channel,
    /// How the run ended, or how far it is.
    pub state: RunState,
    /// The size that the preview estimated, if there was one.
    pub estimated_bytes: Option<u64>,
    pub downloads: u64,
    /// Whether the viewer can download the file now.
    pub downloadable: bool,
}

/// What this installation knows about a file that a user checks here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecognition {
    /// All public keys that this installation has ever signed with, as base64.
    pub keys: Vec<String>,
    /// The export that made the file; `None` if it is unknown, or the caller may not see the history.
    pub export: Option<KnownExport>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownExport {
    pub requested_by: String,
    /// RFC 3339, UTC.
    pub requested_at: String,
}

/// A page of the audit trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditPage {
    /// Newest first.
    pub entries: Vec<AuditEntry>,
    /// All kinds of events.
    pub kinds: Vec<String>,
    /// Number of the oldest entry on this page, to continue from; `None` if there are no older ones.
    pub older_than: Option<u64>,
}

/// An entry of the audit trail, as the page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    pub entry: u64,
    /// RFC 3339, UTC.
    pub at: String,
    pub actor: String,
    pub network: Option<String>,
    /// Such as `signed_in`.
    pub kind: String,
    /// The details of the event, as text.
    pub details: String,
}
