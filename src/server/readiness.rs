//! The readiness check: whether the source database and the state database answer.
//!
//! May import: `source`, `state`. Flow: `ask` queries both, at most once in two seconds for all clients together.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::source::Source;
use super::state::State;

/// How long a result is reused: probes are frequent, and each check costs the database a query.
const GOOD_FOR: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ready {
    Yes,
    NoSource,
    NoState,
}

pub struct Readiness {
    source: Arc<dyn Source>,
    state: State,
    last: Arc<Mutex<Option<(Instant, Ready)>>>,
}

impl Readiness {
    #[must_use]
    pub fn new(source: Arc<dyn Source>, state: State) -> Self {
        Self { source, state, last: Arc::default() }
    }

    pub async fn ask(&self) -> Ready {
        let mut last = self.last.clone().lock_owned().await;
        if let Some((at, ready)) = *last
            && at.elapsed() < GOOD_FOR
        {
            return ready;
        }
        // In a separate task: a client that disconnects must not cancel the check and make the next one repeat it.
        let (source, state) = (self.source.clone(), self.state.clone());
        let asked = tokio::spawn(async move {
            let ready = look(source, &state).await;
            *last = Some((Instant::now(), ready));
            ready
        });
        asked.await.unwrap_or(Ready::NoSource)
    }
}

async fn look(source: Arc<dyn Source>, state: &State) -> Ready {
    if state.has_accounts().await.is_err() {
        return Ready::NoState;
    }
    let asked = tokio::task::spawn_blocking(move || source.identity());
    if matches!(asked.await, Ok(Ok(_))) { Ready::Yes } else { Ready::NoSource }
}
