//! Past exports, known files and audit entries, as the pages show them.

use serde::{Deserialize, Serialize};

use super::channel::Channel;
use super::drift::Deviations;
use super::export::ExportId;

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
    /// Always "full" today.
    pub scope: String,
    pub channel: Channel,
    pub status: RunStatus,
    /// For a failed export, the message that the user was shown.
    pub message: Option<String>,
    /// Differences of the database from the profile and the previous export.
    pub deviations: Deviations,
    pub records: Option<u64>,
    pub bytes: Option<u64>,
    pub estimated_bytes: Option<u64>,
    pub sha256: Option<String>,
    pub duration_ms: Option<u64>,
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    Queued,
    Running,
    Completed,
    Failed,
    Cancelled,
}

impl RunStatus {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Parses the output of `as_str`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Queued, Self::Running, Self::Completed, Self::Failed, Self::Cancelled]
            .into_iter()
            .find(|status| status.as_str() == text)
    }
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
