//! Executes a claimed export under its lease: plans, writes and delivers the file, then records how it ended.

use std::sync::Arc;

use super::delivery::{Delivered, Opened};
use super::execution::{ClaimedExport, Executed, Written};
use super::plan::{RunContext, plan};
use super::running::{RunningExport, StopReason};
use super::subset::extent;
use super::write::write;
use super::write_layout::{ArchiveContext, write_archive, write_folder, write_object};
use super::{Error, Exports, Result};
use crate::model::channel::Channel;
use crate::model::output::Output;
use crate::server::pipeline::redact::PseudonymKey;
use crate::server::profile::LayoutOutput;

impl Exports {
    /// Runs the export to its end, which is recorded whatever happens. `open` opens what the file is written to.
    ///
    /// # Errors
    /// Any error of reading, writing, delivering or recording; `Stopped` if the run was stopped.
    pub(super) async fn execute(
        self: &Arc<Self>,
        claimed: ClaimedExport,
        running: Arc<RunningExport>,
        open: impl FnOnce() -> Result<Opened> + Send + 'static,
    ) -> Result<Executed> {
        // A shutdown waits until this is dropped: the end of the export is recorded by then.
        let _run = self.runs.token();
        // In a separate task, so that a panic is recorded as a failed export.
        let task = tokio::spawn(self.clone().produce(claimed.clone(), running.clone(), open));
        let produced = task.await.unwrap_or(Err(Error::Panicked));
        let executed = match produced {
            Ok((written, delivered)) => self.record_completion(&claimed, &running, written, delivered).await,
            Err(error) => Err(error),
        };
        running.end();
        if let Err(error) = &executed
            && let Err(recording) = self.record_end_without_file(&claimed, &running, error).await
        {
            tracing::error!(export = %claimed.row.id, error = %recording, "the end of an export could not be recorded");
        }
        executed
    }

    /// Writes and delivers the file while the lease is renewed and the requester's role is watched.
    async fn produce(
        self: Arc<Self>,
        claimed: ClaimedExport,
        running: Arc<RunningExport>,
        open: impl FnOnce() -> Result<Opened> + Send + 'static,
    ) -> Result<(Written, Delivered)> {
        let (fence, row) = (claimed.fence, claimed.row.clone());
        let progress = || running.progress_json();
        tokio::select! {
            delivered = self.write_and_deliver(claimed, running.clone(), open) => delivered,
            never = self.queue.keep_lease(fence, progress, |why| running.interrupt(why)) => match never {},
            never = self.watch_access(&row, &running) => match never {},
            never = self.stop_at_shutdown(&running) => match never {},
        }
    }

    async fn write_and_deliver(
        self: &Arc<Self>,
        claimed: ClaimedExport,
        running: Arc<RunningExport>,
        open: impl FnOnce() -> Result<Opened> + Send + 'static,
    ) -> Result<(Written, Delivered)> {
        let (fence, row) = (claimed.fence, claimed.row.clone());
        self.recheck_access(&row).await?;
        let (exports, run) = (self.clone(), running.clone());
        let writing = tokio::task::spawn_blocking(move || exports.write_blocking(claimed, &run, open()?));
        let (written, delivery) = writing.await.map_err(|_| Error::Panicked)??;
        running.check_not_stopped()?;
        if let Err(error) = self.recheck_access(&row).await {
            running.stop(StopReason::from_access_error(&error));
            return Err(error);
        }
        if let Some(interruption) = self.queue.confirm_lease(fence, &running.progress_json()).await? {
            running.interrupt(interruption);
            return Err(Error::Stopped);
        }
        let delivering = tokio::task::spawn_blocking(move || delivery.finish());
        let delivered = delivering.await.map_err(|_| Error::Panicked)??;
        Ok((written, delivered))
    }

    /// Reads, encodes and seals. Blocks.
    fn write_blocking(
        &self,
        claimed: ClaimedExport,
        running: &RunningExport,
        opened: Opened,
    ) -> Result<(Written, Opened)> {
        let ClaimedExport { row, mut request, audit_head, .. } = claimed;
        request.selection = self.selection_read(&request);
        let output = Output::document(request.compression);
        let layout = request.layout.as_ref().and_then(|name| self.profile.layout(name));
        // No later than the snapshot: a merge takes what was changed after it for newer than the file.
        let exported_at = self.clock.now();
        let mut snapshot =
            self.source.begin_snapshot(extent(&request.selection), &|interrupt| running.attach_interrupt(interrupt))?;
        let context = RunContext {
            id: row.id,
            request,
            exported_by: row.account_id.clone().unwrap_or_else(|| row.requested_by.clone()),
            audit_head,
            exported_at,
            pseudonym_key: self.new_pseudonym_key(),
        };
        let mut plan = plan(&context, &*self.source, &mut *snapshot, &self.profile, &running.cancellation)?;
        running.set_plan(&plan);
        let (snapshot, signer, cancellation) = (&mut *snapshot, &*self.signing_key, &running.cancellation);
        let (opened, sealed) = match (opened, layout) {
            (Opened::Document(out), None) => {
                let (out, sealed) = write(snapshot, &plan, out, output, signer, &running.progress, cancellation)?;
                (Opened::Document(out), sealed)
            }
            (Opened::Document(out), Some(layout)) if matches!(layout.output, LayoutOutput::Archive(_)) => {
                let application = &self.application;
                let check_space = |bytes: u64| {
                    // Where the command line writes to, it says itself when that is full.
                    if row.channel == Channel::CommandLine { Ok(()) } else { self.check_disk_space(Some(bytes)) }
                };
                let archive_context = ArchiveContext { profile: &self.profile, application, check_space: &check_space };
                let written = write_archive(snapshot, &mut plan, &layout, &archive_context, out, signer, running);
                let (out, sealed) = written?;
                (Opened::Document(out), sealed)
            }
            (Opened::Document(out), Some(layout)) => {
                let (out, sealed) = write_object(snapshot, &plan, &layout, out, signer, running)?;
                (Opened::Document(out), sealed)
            }
            (Opened::Directory(directory), Some(layout)) => {
                let sealed = write_folder(snapshot, &plan, &layout, directory.folder(), signer, running)?;
                (Opened::Directory(directory), sealed)
            }
            (Opened::Directory(_), None) => {
                return Err(Error::Output("only a layout is written to a folder".into()));
            }
        };
        Ok((Written { metadata: plan.metadata, deviations: plan.deviations, contains: plan.contains, sealed }, opened))
    }

    fn new_pseudonym_key(&self) -> PseudonymKey {
        let mut bytes = [0; 32];
        self.random.fill(&mut bytes);
        PseudonymKey::new(bytes)
    }
}
