//! What a connection is doing, and since when.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Limits;

/// A request head takes longer than this only over a bad connection or in an attack.
const SLOW_HEAD: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Receiving a request head, or newly connected.
    Head,
    /// Receiving a request body.
    Body,
    /// Producing and sending a response.
    Answer,
    /// Between two requests.
    Idle,
}

/// A response that is still being sent after this time may be evicted.
const SLOW_READER: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub struct Activity {
    phase: Mutex<(Phase, Instant)>,
    /// Response bytes are waiting for the client to read.
    is_writing: AtomicBool,
    /// The response is a download for an authorised client: never evicted while it is sent.
    is_protected: AtomicBool,
}

impl Default for Activity {
    fn default() -> Self {
        let phase = Mutex::new((Phase::Head, Instant::now()));
        Self { phase, is_writing: AtomicBool::new(false), is_protected: AtomicBool::new(false) }
    }
}

impl Activity {
    fn lock(&self) -> MutexGuard<'_, (Phase, Instant)> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn enter(&self, phase: Phase) {
        *self.lock() = (phase, Instant::now());
    }

    pub fn writes(&self) {
        self.is_writing.store(true, Ordering::Release);
    }

    /// All bytes are written to the socket: idle time starts only now.
    pub fn has_written(&self) {
        if self.is_writing.swap(false, Ordering::AcqRel) {
            let mut now = self.lock();
            if now.0 == Phase::Idle {
                now.1 = Instant::now();
            }
        }
    }

    pub fn protect(&self) {
        self.is_protected.store(true, Ordering::Release);
    }

    /// Enters the phase `after` if the current phase is `before`.
    pub fn follow(&self, before: Phase, after: Phase) {
        let mut now = self.lock();
        if now.0 == before {
            *now = (after, Instant::now());
        }
    }

    pub fn phase(&self) -> Phase {
        self.lock().0
    }

    /// Whether the wait for a request head or for the next request has timed out.
    pub fn is_overdue(&self, limits: &Limits) -> bool {
        let (phase, since) = *self.lock();
        match phase {
            Phase::Head => since.elapsed() >= limits.head,
            Phase::Idle => since.elapsed() >= limits.idle && !self.is_writing.load(Ordering::Acquire),
            Phase::Body | Phase::Answer => false,
        }
    }

    /// Returns how readily the connection is evicted; `None` while its response is being produced, or is a download.
    pub fn dispensability(&self) -> Option<(u8, Duration)> {
        let (phase, since) = *self.lock();
        let age = since.elapsed();
        let is_writing = self.is_writing.load(Ordering::Acquire);
        let rank = match phase {
            _ if is_writing && self.is_protected.load(Ordering::Acquire) => return None,
            Phase::Head if age >= SLOW_HEAD => 4,
            Phase::Idle if !is_writing => 3,
            Phase::Head => 2,
            Phase::Body => 1,
            Phase::Answer | Phase::Idle if is_writing && age >= SLOW_READER => 0,
            Phase::Answer | Phase::Idle => return None,
        };
        Some((rank, age))
    }
}
