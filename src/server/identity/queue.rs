//! A concurrency limit with a bounded queue: callers beyond it are rejected at once and may retry.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A semaphore with a bounded number of waiters and a timeout.
pub struct Queue {
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
    longest: usize,
    patience: Duration,
}

/// The queue is full, or the wait timed out.
#[derive(Debug, PartialEq, Eq)]
pub struct Crowded;

impl Queue {
    /// Creates a queue with `at_once` permits; up to `longest` more callers wait, each for at most `patience`.
    pub fn new(at_once: usize, longest: usize, patience: Duration) -> Self {
        Self { places: Arc::new(Semaphore::new(at_once)), waiting: AtomicUsize::new(0), longest, patience }
    }

    /// Waits for a permit. Move it into the work, so that a client that disconnects does not release it early.
    pub async fn enter(&self) -> Result<OwnedSemaphorePermit, Crowded> {
        if let Ok(place) = self.places.clone().try_acquire_owned() {
            return Ok(place);
        }
        let waiting = Waiting::join(self)?;
        let place = tokio::time::timeout(self.patience, self.places.clone().acquire_owned()).await;
        drop(waiting);
        // The semaphore is never closed.
        place.ok().and_then(Result::ok).ok_or(Crowded)
    }
}

/// A waiting caller, counted until dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn join(queue: &'a Queue) -> Result<Self, Crowded> {
        let waiting = Self(&queue.waiting);
        if queue.waiting.fetch_add(1, Ordering::SeqCst) >= queue.longest { Err(Crowded) } else { Ok(waiting) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_queue_has_a_length_and_an_end() {
        let queue = Queue::new(1, 2, Duration::from_secs(5));
        let working = queue.enter().await.unwrap();
        let (first, second, third) = tokio::join!(queue.enter(), queue.enter(), queue.enter());
        assert!([first, second, third].iter().all(Result::is_err), "nobody waits for ever");
        let waiting = queue.enter();
        tokio::pin!(waiting);
        assert!(futures::poll!(&mut waiting).is_pending());
        drop(working);
        assert!(waiting.await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_finds_the_queue_full_is_told_at_once() {
        let queue = Queue::new(1, 1, Duration::from_secs(5));
        let _working = queue.enter().await.unwrap();
        let waiting = queue.enter();
        tokio::pin!(waiting);
        assert!(futures::poll!(&mut waiting).is_pending());
        let before = tokio::time::Instant::now();
        assert_eq!(queue.enter().await.unwrap_err(), Crowded);
        assert_eq!(before.elapsed(), Duration::ZERO);
    }
}
