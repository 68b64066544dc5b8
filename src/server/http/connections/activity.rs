//! What a connection is doing, and since when.

use std::sync::{Mutex, PoisonError};
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

#[derive(Debug)]
pub struct Activity(Mutex<(Phase, Instant)>);

impl Default for Activity {
    fn default() -> Self {
        Self(Mutex::new((Phase::Head, Instant::now())))
    }
}

impl Activity {
    pub fn enter(&self, phase: Phase) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (phase, Instant::now());
    }

    /// Moves on, if this is what the connection was doing.
    pub fn follow(&self, before: Phase, after: Phase) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now.0 == before {
            *now = (after, Instant::now());
        }
    }

    pub fn phase(&self) -> Phase {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    /// Whether a request's head, or the next request, was waited for long enough.
    pub fn is_overdue(&self, limits: &Limits) -> bool {
        let (phase, since) = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match phase {
            Phase::Head => since.elapsed() >= limits.head,
            Phase::Idle => since.elapsed() >= limits.idle,
            Phase::Body | Phase::Answer => false,
        }
    }

    /// How gladly the connection is given up for another one; none while it is answered.
    pub fn dispensability(&self) -> Option<(u8, Duration)> {
        let (phase, since) = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let age = since.elapsed();
        let rank = match phase {
            Phase::Head if age >= SLOW_HEAD => 3,
            Phase::Idle => 2,
            Phase::Head => 1,
            Phase::Body => 0,
            Phase::Answer => return None,
        };
        Some((rank, age))
    }
}
