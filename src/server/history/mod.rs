//! The history use cases: past exports and the audit trail, newest first.
//!
//! May import: `state`, `identity`, `audit`, `signing`, `support`, `model`. Flow: `list` and `audit` authorise and read
//! one page; `identify_file` finds the export of a given file.

use std::sync::Arc;

use crate::model::access::{Capability, Scope};
use crate::model::drift::Deviations;
use crate::model::history::{AuditEntry, AuditPage, FileRecognition, HistoryEntry, HistoryPage, KnownExport};
use crate::server::audit::{self, Event, Journal};
use crate::server::identity::{Caller, Forbidden};
use crate::server::signing::{PublicKey, PublicKeys};
use crate::server::state::exports::{Completion, ExportRow, ExportState};
use crate::server::state::{self, SourceState};
use crate::server::support::clock::{Clock, rfc3339};

const EXPORTS_PER_PAGE: u32 = 25;
const ENTRIES_PER_PAGE: u32 = 50;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    #[error(transparent)]
    State(#[from] state::Error),
}

pub struct History {
    pub state: SourceState,
    /// Every public key that this installation has signed with.
    pub public_keys: PublicKeys,
    pub clock: Arc<dyn Clock>,
    pub journal: Journal,
}

impl History {
    /// Returns one page of past exports. A number past the end returns the last page.
    ///
    /// # Errors
    /// `Forbidden`, or `State` if the state cannot be read.
    pub async fn list(&self, caller: &Caller, page: u32) -> Result<HistoryPage, Error> {
        self.authorise(caller).await?;
        let total = self.state.connect().await?.exports().count().await?;
        let pages = u32::try_from(total.div_ceil(EXPORTS_PER_PAGE.into())).unwrap_or(u32::MAX).max(1);
        let page = page.clamp(1, pages);
        let offset = u64::from(page - 1) * u64::from(EXPORTS_PER_PAGE);
        let rows = self.state.connect().await?.exports().page(offset, EXPORTS_PER_PAGE).await?;
        let entries = rows.into_iter().map(|row| self.history_entry(caller, row)).collect();
        Ok(HistoryPage { entries, page, pages, total })
    }

    /// Returns one page of this source's audit trail: entries older than `before`, or the newest if that is 0.
    ///
    /// # Errors
    /// `Forbidden`, or `State` if the state cannot be read.
    pub async fn audit(&self, caller: &Caller, kind: &str, actor: &str, before: u64) -> Result<AuditPage, Error> {
        self.authorise(caller).await?;
        let non_empty = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let filter = audit::Filter {
            source_id: self.state.source_id().map(str::to_owned),
            event: non_empty(kind),
            actor: non_empty(actor),
            before: Some(before).filter(|before| *before > 0),
            since: None,
        };
        let mut found = audit::newest(&self.state, &filter, ENTRIES_PER_PAGE + 1).await?;
        let has_older = found.len() > ENTRIES_PER_PAGE as usize;
        found.truncate(ENTRIES_PER_PAGE as usize);
        let older_than = found.last().map(|last| last.sequence).filter(|_| has_older);
        let mut kinds: Vec<String> = audit::EVENT_NAMES.iter().map(|kind| (*kind).to_owned()).collect();
        kinds.sort_unstable();
        let entries = found.into_iter().map(|recorded| AuditEntry {
            entry: recorded.sequence,
            at: recorded.at,
            actor: recorded.actor,
            network: recorded.network,
            details: audit::format_detail(&recorded.detail),
            kind: recorded.event,
        });
        Ok(AuditPage { entries: entries.collect(), kinds, older_than })
    }

    /// Looks up a file by its seal's digest. Every caller gets the public keys; only callers who may see the history
    /// get the export.
    ///
    /// # Errors
    /// `State` if the state cannot be read.
    pub async fn identify_file(&self, caller: &Caller, sha256: &str) -> Result<FileRecognition, Error> {
        let may_view_history = caller.require(Capability::ExportDatabase, &Scope::WholeDatabase).is_ok();
        let row =
            if may_view_history { self.state.connect().await?.exports().find_by_digest(sha256).await? } else { None };
        let export = row.map(|ExportRow { requested_by, requested_at, .. }| KnownExport { requested_by, requested_at });
        Ok(FileRecognition { keys: self.public_keys.0.iter().map(PublicKey::to_base64).collect(), export })
    }

    async fn authorise(&self, caller: &Caller) -> Result<(), Error> {
        let Err(refused) = caller.require(Capability::ExportDatabase, &Scope::WholeDatabase) else { return Ok(()) };
        let event = Event::Refused { action: "look at the history".into(), role: caller.role().map(str::to_owned) };
        self.journal.refuse(caller.actor(), event).await?;
        Err(refused.into())
    }

    fn history_entry(&self, caller: &Caller, row: ExportRow) -> HistoryEntry {
        let is_owner = caller.owns(row.account_id.as_deref(), &row.requested_by);
        let downloadable = is_owner && self.is_available(&row);
        let (status, estimated_bytes) = (row.state.status(), row.comparable_estimate());
        let mut entry = HistoryEntry {
            id: row.id,
            requested_at: row.requested_at,
            requested_by: row.requested_by,
            scope: row.scope,
            channel: row.channel,
            downloadable,
            status,
            message: None,
            deviations: Deviations::default(),
            records: None,
            bytes: None,
            estimated_bytes,
            sha256: None,
            duration_ms: None,
            downloads: row.downloads,
        };
        match row.state {
            ExportState::Queued | ExportState::Running => {}
            ExportState::Cancelled { duration_ms } => entry.duration_ms = duration_ms,
            ExportState::Failed(failed) => {
                entry.message = Some(failed.failure.message);
                entry.duration_ms = failed.duration_ms;
            }
            ExportState::Completed(Completion { summary, .. }) => {
                entry.records = Some(summary.records);
                entry.bytes = Some(summary.bytes);
                entry.sha256 = Some(summary.sha256);
                entry.duration_ms = Some(summary.duration_ms);
                entry.deviations = summary.deviations;
            }
        }
        entry
    }

    fn is_available(&self, row: &ExportRow) -> bool {
        let Some(Completion { summary, artifact: Some(_) }) = row.state.completion() else { return false };
        summary.expires_at.as_ref().is_some_and(|expires| *expires > rfc3339(self.clock.now()))
    }
}
