//! The exports that this process is running.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use crate::model::export::{ExportId, Progress};
use crate::server::pipeline::Meter;
use crate::server::source::Interrupt;

/// Why a run was stopped from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    Cancelled,
    RoleLost,
    /// The source did not answer whether the requester's role still allows exports.
    RoleUnknown,
    ShuttingDown,
}

/// A running export: its progress, and the means to stop it.
pub struct LiveRun {
    pub meter: Meter,
    pub started: Instant,
    pub estimated_bytes: u64,
    /// Table names and the total of records; set once the plan is made.
    pub planned: OnceLock<(Vec<String>, u64)>,
    interrupt: OnceLock<Interrupt>,
    stopped: OnceLock<StopReason>,
}

impl LiveRun {
    /// Stops the run without a file. If called again, the first reason is kept.
    pub fn stop(&self, reason: StopReason) {
        let _ = self.stopped.set(reason);
        self.meter.stop();
        if let Some(interrupt) = self.interrupt.get() {
            interrupt();
        }
    }

    /// Sets the function that interrupts the read. If the run was stopped before, it is called at once.
    pub fn is_interrupted_by(&self, interrupt: Interrupt) {
        let interrupt = self.interrupt.get_or_init(|| interrupt);
        if self.stopped().is_some() {
            interrupt();
        }
    }

    pub fn stopped(&self) -> Option<StopReason> {
        self.stopped.get().copied()
    }

    pub fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    pub fn progress(&self) -> Progress {
        let (tables, total) = self.planned.get().map_or((&[][..], 0), |(tables, total)| (&tables[..], *total));
        let table = self.meter.table().and_then(|index| tables.get(index)).cloned().unwrap_or_default();
        Progress {
            table,
            records: self.meter.records(),
            total_records: total,
            bytes: self.meter.bytes(),
            estimated_bytes: self.estimated_bytes,
            elapsed_ms: self.elapsed_ms(),
        }
    }
}

/// The running exports of this process, by id.
#[derive(Default)]
pub struct LiveRuns(Mutex<HashMap<ExportId, Arc<LiveRun>>>);

impl LiveRuns {
    pub fn begin(&self, id: ExportId, estimated_bytes: u64) -> Arc<LiveRun> {
        let run = Arc::new(LiveRun {
            meter: Meter::default(),
            started: Instant::now(),
            estimated_bytes,
            planned: OnceLock::new(),
            interrupt: OnceLock::new(),
            stopped: OnceLock::new(),
        });
        self.lock().insert(id, run.clone());
        run
    }

    pub fn get(&self, id: ExportId) -> Option<Arc<LiveRun>> {
        self.lock().get(&id).cloned()
    }

    pub fn end(&self, id: ExportId) {
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

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ExportId, Arc<LiveRun>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
