//! What a connection is doing, and since when.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::limits::ConnectionLimits;
use crate::server::support::sync::lock;

/// A request head takes longer than this only over a bad connection or in an attack.
const SLOW_HEAD: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Receiving a request head, or newly connected.
    Head,
    /// Receiving a request body.
    Body,
    /// Producing and sending a response.
    Response,
    /// Between two requests.
    Idle,
}

/// A response that is still being sent after this time may be evicted.
const SLOW_RESPONSE: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub struct Activity {
    state: Mutex<(Phase, Instant)>,
    /// Response bytes are waiting for the client to read.
    is_writing: AtomicBool,
    /// A download for an authorised client, or an upload of one: never evicted while it is sent or received.
    is_protected: AtomicBool,
}

impl Default for Activity {
    fn default() -> Self {
        let state = Mutex::new((Phase::Head, Instant::now()));
        Self { state, is_writing: AtomicBool::new(false), is_protected: AtomicBool::new(false) }
    }
}

impl Activity {
    fn lock(&self) -> MutexGuard<'_, (Phase, Instant)> {
        lock(&self.state)
    }

    pub fn enter(&self, phase: Phase) {
        *self.lock() = (phase, Instant::now());
    }

    pub fn start_writing(&self) {
        self.is_writing.store(true, Ordering::Release);
    }

    /// All bytes are written to the socket: idle time starts only now.
    pub fn finish_writing(&self) {
        if self.is_writing.swap(false, Ordering::AcqRel) {
            let mut state = self.lock();
            if state.0 == Phase::Idle {
                state.1 = Instant::now();
            }
        }
    }

    pub fn protect(&self) {
        self.is_protected.store(true, Ordering::Release);
    }

    /// The next request on the connection has to earn it anew.
    pub fn end_protection(&self) {
        self.is_protected.store(false, Ordering::Release);
    }

    /// Enters the phase `to` if the current phase is `from`.
    pub fn transition(&self, from: Phase, to: Phase) {
        let mut now = self.lock();
        if now.0 == from {
            *now = (to, Instant::now());
        }
    }

    pub fn phase(&self) -> Phase {
        self.lock().0
    }

    /// Whether the wait for a request head or for the next request has timed out.
    pub fn is_timed_out(&self, limits: &ConnectionLimits) -> bool {
        let (phase, since) = *self.lock();
        match phase {
            Phase::Head => since.elapsed() >= limits.head_timeout,
            Phase::Idle => since.elapsed() >= limits.idle_timeout && !self.is_writing.load(Ordering::Acquire),
            Phase::Body | Phase::Response => false,
        }
    }

    /// Returns how readily the connection is evicted; `None` while its response is being produced, or is a download.
    pub fn eviction_priority(&self) -> Option<(u8, Duration)> {
        let (phase, since) = *self.lock();
        let age = since.elapsed();
        let is_writing = self.is_writing.load(Ordering::Acquire);
        let rank = match phase {
            _ if is_writing && self.is_protected.load(Ordering::Acquire) => return None,
            Phase::Head if age >= SLOW_HEAD => 4,
            Phase::Idle if !is_writing => 3,
            Phase::Head => 2,
            Phase::Body if self.is_protected.load(Ordering::Acquire) => return None,
            Phase::Body => 1,
            Phase::Response | Phase::Idle if is_writing && age >= SLOW_RESPONSE => 0,
            Phase::Response | Phase::Idle => return None,
        };
        Some((rank, age))
    }
}
