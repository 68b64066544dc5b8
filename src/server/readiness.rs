//! The readiness check: whether the source database and the state database answer.
//!
//! May import: `source`, `state`. Flow: `check` queries both, at most once in two seconds for all clients together.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::source::Source;
use super::state::{self, SourceState};

/// How long a result is reused: probes are frequent, and each check costs the database a query.
const CACHE_TTL: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadinessStatus {
    Ready,
    SourceUnavailable,
    StateUnavailable,
}

pub struct Readiness {
    source: Arc<dyn Source>,
    state: SourceState,
    cached: Arc<Mutex<Option<(Instant, ReadinessStatus)>>>,
}

impl Readiness {
    #[must_use]
    pub fn new(source: Arc<dyn Source>, state: SourceState) -> Self {
        Self { source, state, cached: Arc::default() }
    }

    pub async fn check(&self) -> ReadinessStatus {
        let mut last = self.cached.clone().lock_owned().await;
        if let Some((at, ready)) = *last
            && at.elapsed() < CACHE_TTL
        {
            return ready;
        }
        // In a separate task: a client that disconnects must not cancel the check and make the next one repeat it.
        let (source, state) = (self.source.clone(), self.state.clone());
        let task = tokio::spawn(async move {
            let ready = probe(source, &state).await;
            *last = Some((Instant::now(), ready));
            ready
        });
        task.await.unwrap_or(ReadinessStatus::SourceUnavailable)
    }
}

async fn probe(source: Arc<dyn Source>, state: &SourceState) -> ReadinessStatus {
    if query_state(state).await.is_err() {
        return ReadinessStatus::StateUnavailable;
    }
    let identity = tokio::task::spawn_blocking(move || source.identity());
    if matches!(identity.await, Ok(Ok(_))) { ReadinessStatus::Ready } else { ReadinessStatus::SourceUnavailable }
}

/// In a transaction, as whatever is recorded.
async fn query_state(state: &SourceState) -> state::Result<bool> {
    state.begin().await?.accounts().exist().await
}
