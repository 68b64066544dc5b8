//! How many lookups of one account run or wait at once, so that one account's many requests do not hold up those of others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;

use super::concurrency_limit::{ConcurrencyLimit, Overloaded};
use crate::server::support::sync::lock;

/// As many as a browser has connections to one server.
const MAX_CONCURRENT: usize = 6;
/// Entries of idle accounts are removed when there are more.
const MAX_IDLE_ENTRIES: usize = 1000;

/// A limit for each account that is asked for now.
pub struct AccountLimits {
    limits: Mutex<HashMap<String, Weak<ConcurrencyLimit>>>,
    max_waiting: usize,
    timeout: Duration,
}

/// A turn of an account, until it is dropped.
pub struct AccountTurn {
    _permit: OwnedSemaphorePermit,
    _limit: Arc<ConcurrencyLimit>,
}

impl AccountLimits {
    /// Of each account, `max_waiting` more may wait, each for at most `timeout`.
    pub fn new(max_waiting: usize, timeout: Duration) -> Self {
        Self { limits: Mutex::default(), max_waiting, timeout }
    }

    /// Waits for a turn of the account.
    pub async fn acquire(&self, account_id: &str) -> Result<AccountTurn, Overloaded> {
        let limit = self.of(account_id);
        Ok(AccountTurn { _permit: limit.acquire().await?, _limit: limit })
    }

    fn of(&self, account_id: &str) -> Arc<ConcurrencyLimit> {
        let mut limits = lock(&self.limits);
        if limits.len() > MAX_IDLE_ENTRIES {
            limits.retain(|_, limit| limit.strong_count() > 0);
        }
        if let Some(limit) = limits.get(account_id).and_then(Weak::upgrade) {
            return limit;
        }
        let limit = Arc::new(ConcurrencyLimit::new(MAX_CONCURRENT, self.max_waiting, self.timeout));
        limits.insert(account_id.to_owned(), Arc::downgrade(&limit));
        limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_account_that_asks_too_much_waits_and_others_do_not() {
        let limits = AccountLimits::new(1, Duration::from_secs(5));
        let mut turns = Vec::new();
        for _ in 0..MAX_CONCURRENT {
            turns.push(limits.acquire("busy").await.unwrap());
        }
        let waiting = limits.acquire("busy");
        tokio::pin!(waiting);
        assert!(futures::poll!(&mut waiting).is_pending());
        assert!(limits.acquire("busy").await.is_err(), "the account's own queue is full");
        assert!(limits.acquire("other").await.is_ok());
        turns.pop();
        assert!(waiting.await.is_ok());
    }
}
