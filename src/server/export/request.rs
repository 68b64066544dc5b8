//! Requests an export: checks disk space and running exports, records and queues.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::file_name::{file_name, layout_file_name, layout_name};
use super::{Error, Exports, Result};
use crate::model::channel::Channel;
use crate::model::export::{DriftPolicy, ExportId, QueuedExport};
use crate::model::manifest::RecordOrder;
use crate::model::output::Compression;
use crate::model::selection::Selection;
use crate::model::text;
use crate::server::audit::Event;
use crate::server::identity::{self, Caller, Principal};
use crate::server::jobs::NewJob;
use crate::server::profile::LayoutOutput;
use crate::server::selection::parse_part;
use crate::server::state::exports::{ExportRow, ExportState};
use crate::server::state::jobs::JobKind;
use crate::server::state::{self, Tx};
use crate::server::support::clock::rfc3339;
use crate::server::support::disk::HEADROOM_BYTES;
use crate::server::support::random;

/// Limit on exports queued or running at once: more would only slow each other down.
const MAX_CONCURRENT_EXPORTS: u64 = 2;
/// The same of people's own data, which are small and many: neither kind keeps the other waiting.
const MAX_CONCURRENT_OF_PERSONS: u64 = 4;
/// A failed export is not repeated by itself: its requester may not want it any more.
const MAX_ATTEMPTS: u32 = 1;

/// What is asked of an export. Stored as JSON in its job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExportRequest {
    pub selection: Selection,
    pub order: RecordOrder,
    pub compression: Compression,
    pub drift: DriftPolicy,
    /// More records than this are refused.
    pub max_records: Option<u64>,
    /// The product in whose own documents the records are written.
    pub layout: Option<String>,
}

impl Exports {
    /// Queues an export for the caller: of the part that the query names (`PartQuery`), or of the whole database.
    ///
    /// # Errors
    /// `Forbidden`; `Selection` if the part names what does not exist; `Busy` while too many exports run; `InsufficientStorage` if the disk is too full; `State` if the
    /// request cannot be recorded: no export runs without an audit entry.
    pub async fn request(
        self: &Arc<Self>,
        caller: &Caller,
        part: &str,
        compression: Compression,
    ) -> Result<QueuedExport> {
        self.authorise(caller, "request an export").await?;
        let request = ExportRequest { selection: parse_part(part)?, compression, ..ExportRequest::default() };
        self.enqueue(caller, Channel::Page, request).await
    }

    /// Whether an export is queued or running, so that another one may have to wait; not one of a person's own data.
    ///
    /// # Errors
    /// `State` if the state cannot be read.
    pub async fn is_busy(&self) -> Result<bool> {
        let unfinished = self.state.connect().await?.exports().count_unfinished(None).await?;
        Ok(unfinished.all > unfinished.of_persons)
    }

    /// Queues an export that the caller may have, and records it if it cannot be taken now.
    pub(super) async fn enqueue(
        self: &Arc<Self>,
        caller: &Caller,
        channel: Channel,
        request: ExportRequest,
    ) -> Result<QueuedExport> {
        let requested = self.try_enqueue(caller, channel, request).await;
        self.record_refusal(caller, requested).await
    }

    /// Records that a request cannot be taken now, if it cannot.
    pub(super) async fn record_refusal<T>(&self, caller: &Caller, requested: Result<T>) -> Result<T> {
        if let Err(Error::Busy { .. } | Error::InsufficientStorage { .. }) = &requested {
            identity::refuse(&self.journal, caller, "request another export now").await?;
        }
        requested
    }

    /// As `enqueue`, of which nothing is recorded if it is refused.
    pub(super) async fn try_enqueue(
        self: &Arc<Self>,
        caller: &Caller,
        channel: Channel,
        request: ExportRequest,
    ) -> Result<QueuedExport> {
        let estimated_bytes = self.previews.latest_size(&self.selection_read(&request));
        // A part that was previewed exists.
        if estimated_bytes.is_none() && !request.selection.is_whole_database() {
            self.check_part(&request).await?;
        }
        self.check_disk_space(estimated_bytes)?;
        let row = ExportRow { channel, estimated_bytes, ..self.new_row(caller, &request) };
        let mut tx = self.state.begin().await?;
        // Checked inside the write transaction, so that two concurrent requests cannot both pass.
        check_concurrency_limit(&mut *tx, caller, &request.selection).await?;
        self.insert(&mut *tx, caller, &row, &request).await?;
        tx.commit().await?;
        self.queue.wake_worker();
        Ok(QueuedExport { id: row.id, file_name: row.file_name })
    }

    /// The selection with the tables that the layout has, which alone are read.
    pub(super) fn selection_read(&self, request: &ExportRequest) -> Selection {
        let layout = request.layout.as_ref().and_then(|name| self.profile.layout(name));
        let tables = layout.map(|layout| layout.tables()).or_else(|| request.selection.tables.clone());
        Selection { tables, ..request.selection.clone() }
    }

    pub(super) fn check_disk_space(&self, estimated_bytes: Option<u64>) -> Result<()> {
        // If size or free space is unknown, try: a full disk fails the run cleanly.
        let needed = estimated_bytes.map_or(HEADROOM_BYTES, |bytes| bytes + HEADROOM_BYTES);
        match self.artifacts.free_bytes() {
            Some(free) if free < needed => {
                Err(Error::InsufficientStorage { free: text::bytes(free), needed: text::bytes(needed) })
            }
            _ => Ok(()),
        }
    }

    /// A newly requested export.
    pub(super) fn new_row(&self, caller: &Caller, request: &ExportRequest) -> ExportRow {
        let now = self.clock.now();
        let layout = request.layout.as_ref().and_then(|name| self.profile.layout(name));
        ExportRow {
            id: ExportId(random::new_uuid_v7(&*self.clock, &*self.random)),
            requested_at: rfc3339(now),
            account_id: caller.account_id().map(str::to_owned),
            requested_by: caller.name.clone(),
            channel: caller.principal.channel(),
            selection: request.selection.clone(),
            file_name: match &layout {
                Some(layout) if caller.principal == Principal::CommandLine => layout_name(layout, now),
                Some(layout) => layout_file_name(layout, now),
                None => file_name(&self.profile, &request.selection, now, request.compression),
            },
            compression: match &layout {
                Some(layout) if matches!(layout.output, LayoutOutput::Archive(_)) => Compression::Gzip,
                _ => request.compression,
            },
            estimated_bytes: None,
            downloads: 0,
            state: ExportState::Queued,
        }
    }

    /// Inserts the export, its job and its entry in the audit trail.
    pub(super) async fn insert(
        &self,
        tx: &mut dyn Tx,
        caller: &Caller,
        row: &ExportRow,
        request: &ExportRequest,
    ) -> Result<()> {
        let spec = serde_json::to_string(request).map_err(|_| state::Error::Corrupt("request"))?;
        let job = NewJob { id: row.id.0, kind: JobKind::Export, spec, max_attempts: MAX_ATTEMPTS };
        tx.exports().insert(row).await?;
        tx.jobs().insert(&job).await?;
        let event = Event::ExportRequested {
            scope: row.selection.export_type(),
            channel: row.channel,
            selection: row.selection.lines(),
        };
        self.journal.record_about(tx, caller.actor(), row.id, event).await?;
        Ok(())
    }
}

async fn check_concurrency_limit(tx: &mut dyn Tx, caller: &Caller, selection: &Selection) -> Result<()> {
    let unfinished = tx.exports().count_unfinished(caller.account_id()).await?;
    let (others, most) = if selection.person.is_some() {
        (unfinished.of_persons, MAX_CONCURRENT_OF_PERSONS)
    } else {
        (unfinished.all - unfinished.of_persons, MAX_CONCURRENT_EXPORTS)
    };
    let message = if unfinished.own > 0 {
        "You already have an export running."
    } else if others >= most {
        "Other exports are running."
    } else {
        return Ok(());
    };
    Err(Error::Busy { message: message.into(), retry_after_seconds: 10 })
}
