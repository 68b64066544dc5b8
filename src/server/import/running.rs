//! What writes to the database at this moment, for whoever opens the page meanwhile.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::model::import_page::RunningWork;
use crate::server::support::sync::lock;

const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The imports and undoes of this process that run.
#[derive(Clone, Default)]
pub struct Running {
    works: Arc<Mutex<BTreeMap<u64, RunningWork>>>,
    is_stopping: Arc<AtomicBool>,
}

/// Held while it runs.
pub struct RunningGuard {
    running: Running,
    number: u64,
}

impl Running {
    pub fn begin(&self, work: RunningWork) -> RunningGuard {
        let mut all = lock(&self.works);
        let number = all.last_key_value().map_or(0, |(newest, _)| newest + 1);
        all.insert(number, work);
        RunningGuard { running: self.clone(), number }
    }

    /// From here on, nothing is committed any more.
    pub fn stop(&self) {
        self.is_stopping.store(true, Ordering::SeqCst);
    }

    pub fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::SeqCst)
    }

    /// Waits until nothing runs.
    pub async fn wait_for_end(&self) {
        while !self.list().is_empty() {
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    pub fn list(&self) -> Vec<RunningWork> {
        lock(&self.works).values().cloned().collect()
    }
}

impl Drop for RunningGuard {
    fn drop(&mut self) {
        lock(&self.running.works).remove(&self.number);
    }
}
