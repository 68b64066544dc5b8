//! The rows of the audit trail, as stored.

use async_trait::async_trait;

use super::Result;
use crate::model::manifest::AuditHead;

/// A row of the trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    pub sequence: u64,
    /// RFC 3339, UTC.
    pub at: String,
    pub actor: String,
    /// Where the request came from, if it came over the network.
    pub network: Option<String>,
    pub event: String,
    pub export_id: Option<String>,
    /// A JSON object.
    pub detail: String,
    pub source_id: Option<String>,
    pub previous_hash: String,
    pub hash: String,
}

/// Which entries to read; the default is all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub source_id: Option<String>,
    /// Compared without regard to case.
    pub actor: Option<String>,
    pub event: Option<String>,
    /// RFC 3339, UTC, or a prefix of it.
    pub since: Option<String>,
    /// Only entries before this one.
    pub before: Option<u64>,
}

/// The audit trail of all sources: append-only, by triggers of the database too. Every method returns `Database` if the
/// database cannot be used.
#[async_trait]
pub trait AuditTable: Send {
    /// The newest entry; all zero if there is none.
    async fn head(&mut self) -> Result<AuditHead>;

    /// Fails if the trail has an entry of this number.
    async fn append(&mut self, record: &AuditRecord) -> Result<()>;

    /// Returns the newest entries that match, newest first.
    async fn newest(&mut self, filter: &Filter, limit: u32) -> Result<Vec<AuditRecord>>;

    /// Returns the entries that follow `sequence`, or the first ones, oldest first.
    async fn after(&mut self, sequence: Option<u64>, limit: u32) -> Result<Vec<AuditRecord>>;
}
