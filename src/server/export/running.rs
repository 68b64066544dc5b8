//! The exports that this process is running.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use tokio_util::sync::CancellationToken;

use crate::model::export::{ExportId, Progress};
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
}

/// A running export: its progress, and the means to stop it.
pub struct RunningExport {
    pub progress: ProgressCounter,
    /// Checked between chunks and tables.
    pub cancellation: CancellationToken,
    pub started: Instant,
    pub estimated_bytes: u64,
    /// Table names and the total of records; set once the plan is made.
    pub planned: OnceLock<(Vec<String>, u64)>,
    interrupt: OnceLock<InterruptHandle>,
    stop_reason: OnceLock<StopReason>,
}

impl RunningExport {
    /// Stops the run without a file. If called again, the first reason is kept.
    pub fn stop(&self, reason: StopReason) {
        let _ = self.stop_reason.set(reason);
        self.cancellation.cancel();
        if let Some(interrupt) = self.interrupt.get() {
            interrupt();
        }
    }

    /// Sets the function that interrupts the read. If the run was stopped before, it is called at once.
    pub fn attach_interrupt(&self, interrupt: InterruptHandle) {
        let interrupt = self.interrupt.get_or_init(|| interrupt);
        if self.stop_reason().is_some() {
            interrupt();
        }
    }

    pub fn stop_reason(&self) -> Option<StopReason> {
        self.stop_reason.get().copied()
    }

    pub fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    pub fn progress(&self) -> Progress {
        let (tables, total) = self.planned.get().map_or((&[][..], 0), |(tables, total)| (&tables[..], *total));
        let table = self.progress.table_index().and_then(|index| tables.get(index)).cloned().unwrap_or_default();
        Progress {
            table,
            records: self.progress.records(),
            total_records: total,
            bytes: self.progress.bytes(),
            estimated_bytes: self.estimated_bytes,
            elapsed_ms: self.elapsed_ms(),
        }
    }
}

/// The running exports of this process, by id.
#[derive(Default)]
pub struct RunningExports(Mutex<HashMap<ExportId, Arc<RunningExport>>>);

impl RunningExports {
    pub fn register(&self, id: ExportId, estimated_bytes: u64) -> Arc<RunningExport> {
        let run = Arc::new(RunningExport {
            progress: ProgressCounter::default(),
            cancellation: CancellationToken::new(),
            started: Instant::now(),
            estimated_bytes,
            planned: OnceLock::new(),
            interrupt: OnceLock::new(),
            stop_reason: OnceLock::new(),
        });
        self.lock().insert(id, run.clone());
        run
    }

    pub fn get(&self, id: ExportId) -> Option<Arc<RunningExport>> {
        self.lock().get(&id).cloned()
    }

    pub fn remove(&self, id: ExportId) {
        self.lock().remove(&id);
    }

    /// Stops every run, for shutdown.
    pub fn stop_all(&self, reason: StopReason) {
        self.lock().values().for_each(|run| run.stop(reason));
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ExportId, Arc<RunningExport>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
