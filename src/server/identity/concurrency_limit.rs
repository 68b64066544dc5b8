//! A concurrency limit with a bounded queue: callers beyond it are rejected at once and may retry.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A semaphore with a bounded number of waiters and a timeout.
pub struct ConcurrencyLimit {
    semaphore: Arc<Semaphore>,
    waiting: AtomicUsize,
    max_waiting: usize,
    timeout: Duration,
}

/// The queue is full, or the wait timed out.
#[derive(Debug, PartialEq, Eq)]
pub struct Overloaded;

impl ConcurrencyLimit {
    /// Creates a limit with `max_concurrent` permits; up to `max_waiting` more callers wait, each for at most `timeout`.
    pub fn new(max_concurrent: usize, max_waiting: usize, timeout: Duration) -> Self {
        Self { semaphore: Arc::new(Semaphore::new(max_concurrent)), waiting: AtomicUsize::new(0), max_waiting, timeout }
    }

    /// Waits for a permit. Move it into the work, so that a client that disconnects does not release it early.
    pub async fn acquire(&self) -> Result<OwnedSemaphorePermit, Overloaded> {
        if let Ok(permit) = self.semaphore.clone().try_acquire_owned() {
            return Ok(permit);
        }
        let waiting = WaitingGuard::enter(self)?;
        let permit = tokio::time::timeout(self.timeout, self.semaphore.clone().acquire_owned()).await;
        drop(waiting);
        // The semaphore is never closed.
        permit.ok().and_then(Result::ok).ok_or(Overloaded)
    }
}

/// A waiting caller, counted until dropped.
struct WaitingGuard<'a>(&'a AtomicUsize);

impl<'a> WaitingGuard<'a> {
    fn enter(limit: &'a ConcurrencyLimit) -> Result<Self, Overloaded> {
        let waiting = Self(&limit.waiting);
        if limit.waiting.fetch_add(1, Ordering::SeqCst) >= limit.max_waiting { Err(Overloaded) } else { Ok(waiting) }
    }
}

impl Drop for WaitingGuard<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_queue_has_a_length_and_an_end() {
        let limit = ConcurrencyLimit::new(1, 2, Duration::from_secs(5));
        let working = limit.acquire().await.unwrap();
        let (first, second, third) = tokio::join!(limit.acquire(), limit.acquire(), limit.acquire());
        assert!([first, second, third].iter().all(Result::is_err), "no caller waits forever");
        let waiting = limit.acquire();
        tokio::pin!(waiting);
        assert!(futures::poll!(&mut waiting).is_pending());
        drop(working);
        assert!(waiting.await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_finds_the_queue_full_is_told_at_once() {
        let limit = ConcurrencyLimit::new(1, 1, Duration::from_secs(5));
        let _working = limit.acquire().await.unwrap();
        let waiting = limit.acquire();
        tokio::pin!(waiting);
        assert!(futures::poll!(&mut waiting).is_pending());
        let before = tokio::time::Instant::now();
        assert_eq!(limit.acquire().await.unwrap_err(), Overloaded);
        assert_eq!(before.elapsed(), Duration::ZERO);
    }
}
