//! Who waits for a preview of a part. If nobody does any more, its queries are ended.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::server::source::InterruptHandle;
use crate::server::support::sync::lock;

/// How long a preview goes on without anybody waiting: pages ask again and again, with pauses in between.
const GRACE: Duration = Duration::from_secs(5);
/// How long it goes on after a page has said that it turns to another part: its last questions may still be on their way.
const GRACE_AFTER_LEAVING: Duration = Duration::from_millis(600);
const CHECK_INTERVAL: Duration = Duration::from_millis(200);

/// The interest in one preview.
pub struct Interest {
    state: Mutex<State>,
    interrupt: OnceLock<InterruptHandle>,
}

struct State {
    waiting: usize,
    last_seen: Instant,
    /// Whether a page has turned to another part since anybody asked.
    was_left: bool,
    is_over: bool,
}

/// Somebody waits, until this is dropped.
pub struct Waiting(Arc<Interest>);

impl Interest {
    pub fn new() -> Arc<Self> {
        let state = State { waiting: 0, last_seen: Instant::now(), was_left: false, is_over: false };
        Arc::new(Self { state: Mutex::new(state), interrupt: OnceLock::new() })
    }

    /// Returns nothing if the preview was given up.
    pub fn wait(self: &Arc<Self>) -> Option<Waiting> {
        let mut state = lock(&self.state);
        if state.is_over {
            return None;
        }
        state.waiting += 1;
        state.was_left = false;
        Some(Waiting(self.clone()))
    }

    pub fn is_over(&self) -> bool {
        lock(&self.state).is_over
    }

    /// Sets the function that ends the preview's queries.
    pub fn attach_interrupt(&self, interrupt: InterruptHandle) {
        let _ = self.interrupt.set(interrupt);
    }

    /// One page turns to another part: the preview is given up soon, unless others wait for it.
    pub fn withdraw(&self) {
        lock(&self.state).was_left = true;
    }

    /// Gives the preview up once nobody has waited for a while. Returns when it has `ended`.
    pub async fn watch(&self, ended: CancellationToken) {
        while tokio::time::timeout(CHECK_INTERVAL, ended.cancelled()).await.is_err() {
            self.give_up_if_unwanted();
        }
    }

    /// Interrupts again and again: an interrupt ends only the query that runs at the time.
    fn give_up_if_unwanted(&self) {
        let mut state = lock(&self.state);
        let grace = if state.was_left { GRACE_AFTER_LEAVING } else { GRACE };
        state.is_over |= state.waiting == 0 && state.last_seen.elapsed() >= grace;
        if state.is_over
            && let Some(interrupt) = self.interrupt.get()
        {
            interrupt();
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut state = lock(&self.0.state);
        state.waiting -= 1;
        state.last_seen = Instant::now();
    }
}
