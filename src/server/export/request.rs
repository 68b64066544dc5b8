//! Requests an export: authorises, checks disk space and running exports, records and queues.

use super::{Error, Exports, Result, plan};
use crate::model::channel::Channel;
use crate::model::drift::Deviations;
use crate::model::export::{Compression, ExportId, QueuedExport};
use crate::model::history::RunStatus;
use crate::model::selection::Selection;
use crate::model::text;
use crate::server::audit::{self, Event};
use crate::server::identity::Caller;
use crate::server::state::{self, exports, exports::ExportRow};
use crate::server::support::clock::rfc3339;
use crate::server::support::{disk, random};

/// Limit on exports queued or running at once: more would only slow each other down.
const MAX_CONCURRENT_EXPORTS: usize = 2;
/// Disk space that must stay free beside the export.
const HEADROOM_BYTES: u64 = 64 << 20;

impl Exports {
    /// Queues an export of the whole database for the caller.
    ///
    /// # Errors
    /// `Forbidden`; `Busy` while too many exports run; `InsufficientStorage` if the disk is too full; `State` if the
    /// request cannot be recorded: no export runs without an audit entry.
    pub async fn request(&self, caller: &Caller, compression: Compression) -> Result<QueuedExport> {
        self.authorise(caller, "request an export").await?;
        let requested = self.enqueue(caller, compression).await;
        if let Err(Error::Busy { .. } | Error::InsufficientStorage { .. }) = &requested {
            let event = Event::Refused { action: "request another export now".into(), role: caller.role.clone() };
            self.record_refusal(caller, event).await?;
        }
        requested
    }

    async fn enqueue(&self, caller: &Caller, compression: Compression) -> Result<QueuedExport> {
        let estimated_bytes = self.previews.latest_size();
        self.check_disk_space(estimated_bytes)?;
        let now = self.clock.now();
        let id = ExportId(random::new_uuid_v7(&*self.clock, &*self.random));
        let row = ExportRow {
            estimated_bytes,
            compression,
            account_id: caller.account_id.clone(),
            ..new_export_row(id, caller, Channel::Page, rfc3339(now), plan::file_name(&self.profile, now, compression))
        };
        let mut tx = self.state.begin().await?;
        // Checked inside the write transaction, so that two concurrent requests cannot both pass.
        self.check_concurrency_limit(&mut tx, caller).await?;
        exports::insert(&mut tx, &row).await?;
        let event = Event::ExportRequested { scope: row.scope, channel: row.channel };
        audit::append(&mut tx, &self.audit_entry_for(caller, Some(id), event)).await?;
        tx.commit().await?;
        self.queue_signal.notify_one();
        Ok(QueuedExport { id, file_name: row.file_name })
    }

    async fn check_concurrency_limit(&self, tx: &mut state::Tx, caller: &Caller) -> Result<()> {
        let (all, own) = exports::count_unfinished(tx, caller.account_id.as_deref()).await?;
        let message = match (all, own) {
            (_, 1..) => "You already have an export running.",
            (MAX_CONCURRENT_EXPORTS.., _) => "Other exports are running.",
            _ => return Ok(()),
        };
        Err(Error::Busy { message: message.into(), retry_after_seconds: 10 })
    }

    fn check_disk_space(&self, estimated_bytes: Option<u64>) -> Result<()> {
        let needed = estimated_bytes.unwrap_or_default() + HEADROOM_BYTES;
        // If the free space is unknown, try: a full disk fails the run cleanly.
        let free = disk::available_bytes(self.artifacts.folder()).unwrap_or(u64::MAX);
        if free >= needed {
            return Ok(());
        }
        Err(Error::InsufficientStorage { free: text::bytes(free), needed: text::bytes(needed) })
    }
}

/// The row of a newly requested export.
pub(super) fn new_export_row(
    id: ExportId,
    caller: &Caller,
    channel: Channel,
    at: String,
    file_name: String,
) -> ExportRow {
    ExportRow {
        id,
        requested_at: at,
        account_id: None,
        requested_by: caller.name.clone(),
        channel,
        scope: Selection::WholeDatabase.scope().into(),
        file_name,
        status: RunStatus::Queued,
        message: None,
        reference: None,
        records: None,
        tables: None,
        bytes: None,
        estimated_bytes: None,
        sha256: None,
        duration_ms: None,
        artifact: None,
        expires_at: None,
        downloads: 0,
        compression: Compression::None,
        deviations: Deviations::default(),
    }
}
