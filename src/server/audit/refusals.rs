//! Refusals, of which one visitor can make thousands: the first is recorded at once, its repetitions as one counted
//! row when their minute is over.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use super::{Entry, Event, append, name_and_detail};
use crate::model::export::ExportId;
use crate::server::state::{Result, State};
use crate::server::support::clock::{Clock, rfc3339};

/// Repetitions within this time are one row.
const FOLDED_FOR: TimeDelta = TimeDelta::minutes(1);
/// So many different refusals are told apart at a time; what comes then is recorded each by itself.
const MOST: usize = 4096;

#[derive(Debug, Default)]
pub struct Refusals(Mutex<HashMap<Refusal, Repeated>>);

/// What makes two refusals the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Refusal {
    actor: String,
    network: Option<IpAddr>,
    export: Option<ExportId>,
    /// Its name and detail.
    event: (String, String),
}

#[derive(Clone, Debug)]
struct Repeated {
    event: Event,
    since: DateTime<Utc>,
    times: u64,
}

impl Refusals {
    /// Records a refusal, or counts it where it repeats one of the last minute.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub async fn record(&self, state: &State, clock: &dyn Clock, entry: Entry<'_>) -> Result<()> {
        if self.repeats(&entry, clock.now()) {
            return Ok(());
        }
        let mut tx = state.begin().await?;
        append(&mut tx, &entry).await?;
        tx.commit().await
    }

    fn repeats(&self, entry: &Entry<'_>, now: DateTime<Utc>) -> bool {
        let Entry { actor, network, export, event, .. } = entry;
        let (actor, network, export) = ((*actor).to_owned(), *network, *export);
        let refusal = Refusal { actor, network, export, event: name_and_detail(event) };
        let mut recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(repeated) = recent.get_mut(&refusal) {
            repeated.times += 1;
            return true;
        }
        if recent.len() < MOST {
            recent.insert(refusal, Repeated { event: event.clone(), since: now, times: 0 });
        }
        false
    }

    /// Records the repetitions whose minute is over; all of them where the server stops.
    ///
    /// # Errors
    /// When the state cannot be written; then they are counted on.
    pub async fn record_repetitions(&self, state: &State, clock: &dyn Clock, stopping: bool) -> Result<()> {
        let now = clock.now();
        let over: Vec<(Refusal, Repeated)> = {
            let mut recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            recent.extract_if(|_, repeated| stopping || now - repeated.since >= FOLDED_FOR).collect()
        };
        let over: Vec<_> = over.into_iter().filter(|(_, repeated)| repeated.times > 0).collect();
        if over.is_empty() {
            return Ok(());
        }
        let mut tx = state.begin().await?;
        for (refusal, repeated) in over {
            let Refusal { actor, network, export, .. } = refusal;
            let event = Event::Repeated { what: Box::new(repeated.event), times: repeated.times };
            let entry = Entry { at: rfc3339(now), actor: &actor, network, export, event };
            append(&mut tx, &entry).await?;
        }
        tx.commit().await
    }
}
