//! A running export: its progress, and the means to stop it.

use std::sync::OnceLock;
use std::time::Instant;

use tokio_util::sync::CancellationToken;

use super::plan::ExportPlan;
use super::{Error, Result};
use crate::model::export::{Progress, Stage};
use crate::model::name::TableName;
use crate::server::jobs::Interruption;
use crate::server::pipeline::ProgressCounter;
use crate::server::source::InterruptHandle;

/// Why a run was stopped from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    Cancelled,
    RoleRevoked,
    /// The source did not answer whether the requester's role still allows exports.
    RoleCheckFailed,
    ShuttingDown,
    /// The lease is over, so another process may have ended the export.
    LeaseLost,
}

impl StopReason {
    /// The reason that a failed check of the requester's access is.
    pub(super) fn from_access_error(error: &Error) -> Self {
        if matches!(error, Error::Forbidden(_)) { Self::RoleRevoked } else { Self::RoleCheckFailed }
    }
}

pub struct RunningExport {
    pub(super) progress: ProgressCounter,
    /// Checked between chunks and tables.
    pub(super) cancellation: CancellationToken,
    started: Instant,
    /// Set once the plan is made.
    planned: OnceLock<Planned>,
    interrupt: OnceLock<InterruptHandle>,
    stop_reason: OnceLock<StopReason>,
    ended: CancellationToken,
}

struct Planned {
    tables: Vec<TableName>,
    total_records: u64,
}

impl RunningExport {
    pub(super) fn new() -> Self {
        Self {
            progress: ProgressCounter::default(),
            cancellation: CancellationToken::new(),
            started: Instant::now(),
            planned: OnceLock::new(),
            interrupt: OnceLock::new(),
            stop_reason: OnceLock::new(),
            ended: CancellationToken::new(),
        }
    }

    /// Stops the run without a file. If called again, the first reason is kept.
    pub fn stop(&self, reason: StopReason) {
        let _ = self.stop_reason.set(reason);
        self.cancellation.cancel();
        if let Some(interrupt) = self.interrupt.get() {
            interrupt();
        }
    }

    /// Stops the run for a reason of its job.
    pub(super) fn interrupt(&self, interruption: Interruption) {
        self.stop(match interruption {
            Interruption::StopRequested => StopReason::Cancelled,
            Interruption::LeaseLost => StopReason::LeaseLost,
        });
    }

    /// Sets the function that interrupts the read. If the run was stopped before, it is called at once.
    pub(super) fn attach_interrupt(&self, interrupt: InterruptHandle) {
        let interrupt = self.interrupt.get_or_init(|| interrupt);
        if self.stop_reason().is_some() {
            interrupt();
        }
    }

    pub(super) fn stop_reason(&self) -> Option<StopReason> {
        self.stop_reason.get().copied()
    }

    /// # Errors
    /// `Stopped` once the run was stopped.
    pub(super) fn check_not_stopped(&self) -> Result<()> {
        if self.stop_reason().is_some() { Err(Error::Stopped) } else { Ok(()) }
    }

    pub(super) fn set_plan(&self, plan: &ExportPlan) {
        let tables = plan.tables.iter().map(|table| table.scan.table.clone()).collect();
        let _ = self.planned.set(Planned { tables, total_records: plan.metadata.total_records });
    }

    /// Waits until nothing more is read or written.
    pub async fn ended(&self) {
        self.ended.cancelled().await;
    }

    pub(super) fn end(&self) {
        self.ended.cancel();
    }

    pub(super) fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    #[must_use]
    pub fn progress(&self) -> Progress {
        let stage = self.planned.get().and_then(|planned| self.writing(planned)).unwrap_or(Stage::Counting);
        Progress { elapsed_ms: self.elapsed_ms(), stage }
    }

    /// None before the first table.
    fn writing(&self, planned: &Planned) -> Option<Stage> {
        let table = planned.tables.get(self.progress.table_index()?)?.clone();
        let (records, bytes) = (self.progress.records(), self.progress.bytes());
        Some(Stage::Writing { table, records, total_records: planned.total_records, bytes })
    }

    /// The progress as it is stored in the job.
    pub(super) fn progress_json(&self) -> String {
        serde_json::json!(self.progress()).to_string()
    }
}
