//! What a connection is doing, and since when.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Limits;

/// A request's head takes longer than this only on a bad line, or by somebody who means it.
const SLOW_HEAD: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// A request's head is on its way, or the connection is new.
    Head,
    /// The head is here, the body is on its way.
    Body,
    /// The request is here, the answer is on its way.
    Answer,
    /// Between two requests.
    Idle,
}

/// An answer whose reader has let it wait for so long may have to make room.
const SLOW_READER: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub struct Activity {
    phase: Mutex<(Phase, Instant)>,
    /// Bytes are here that the reader has not taken.
    is_writing: AtomicBool,
    /// What somebody who may has asked for is never given up.
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

    /// The reader's system has everything; only now a connection can be idle.
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

    /// Moves on, if this is what the connection was doing.
    pub fn follow(&self, before: Phase, after: Phase) {
        let mut now = self.lock();
        if now.0 == before {
            *now = (after, Instant::now());
        }
    }

    pub fn phase(&self) -> Phase {
        self.lock().0
    }

    /// Whether a request's head, or the next request, was waited for long enough.
    pub fn is_overdue(&self, limits: &Limits) -> bool {
        let (phase, since) = *self.lock();
        match phase {
            Phase::Head => since.elapsed() >= limits.head,
            Phase::Idle => since.elapsed() >= limits.idle && !self.is_writing.load(Ordering::Acquire),
            Phase::Body | Phase::Answer => false,
        }
    }

    /// How gladly the connection is given up for another one; none while its answer is being made, or is a download.
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
