//! Folds repeated refusals, since one client can cause thousands: the first is recorded at once, its repetitions
//! within a minute as one row with their number.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use super::{Entry, Event, append, name_and_detail};
use crate::model::export::ExportId;
use crate::server::state::{Result, State};
use crate::server::support::clock::{Clock, rfc3339};

/// Repetitions within this window become one row.
const FOLDED_FOR: TimeDelta = TimeDelta::minutes(1);
/// Limit on the refusals tracked at once; further ones are each recorded individually.
const MOST: usize = 4096;

#[derive(Debug, Default)]
pub struct Refusals(Mutex<HashMap<Refusal, Repeated>>);

/// The key by which refusals count as the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Refusal {
    actor: String,
    network: Option<IpAddr>,
    export: Option<ExportId>,
    /// The event's name and detail.
    event: (String, String),
}

#[derive(Clone, Debug)]
struct Repeated {
    event: Event,
    since: DateTime<Utc>,
    times: u64,
}

impl Refusals {
    /// Records a refusal, or counts it if it repeats one of the last minute.
    ///
    /// # Errors
    /// `Database` if the write fails.
    pub async fn record(&self, state: &State, clock: &dyn Clock, entry: Entry<'_>) -> Result<()> {
        let refusal = Refusal::of(&entry);
        if self.repeats(&refusal, &entry.event, clock) {
            return Ok(());
        }
        let mut first = First { refusals: self, refusal, is_recorded: false };
        let mut tx = state.begin().await?;
        append(&mut tx, &entry).await?;
        tx.commit().await?;
        first.is_recorded = true;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Refusal, Repeated>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a repetition and returns true; returns false for the first refusal of its kind.
    fn repeats(&self, refusal: &Refusal, event: &Event, clock: &dyn Clock) -> bool {
        let mut recent = self.lock();
        if let Some(repeated) = recent.get_mut(refusal) {
            repeated.times += 1;
            return true;
        }
        if recent.len() < MOST {
            recent.insert(refusal.clone(), Repeated { event: event.clone(), since: clock.now(), times: 0 });
        }
        false
    }

    /// Records the repetitions whose window is over, or all of them if the server is stopping.
    ///
    /// # Errors
    /// `Database` if the write fails; the counts are kept for the next call.
    pub async fn record_repetitions(&self, state: &State, clock: &dyn Clock, stopping: bool) -> Result<()> {
        let now = clock.now();
        let is_over = |repeated: &Repeated| stopping || now - repeated.since >= FOLDED_FOR;
        let over: Vec<(Refusal, Repeated)> =
            self.lock().iter().filter(|(_, repeated)| is_over(repeated)).map(|(r, n)| (r.clone(), n.clone())).collect();
        if over.iter().any(|(_, repeated)| repeated.times > 0) {
            let mut tx = state.begin().await?;
            for (refusal, repeated) in over.iter().filter(|(_, repeated)| repeated.times > 0) {
                let Refusal { actor, network, export, .. } = refusal;
                let event = Event::Repeated { what: Box::new(repeated.event.clone()), times: repeated.times };
                let entry = Entry { at: rfc3339(now), actor, network: *network, export: *export, event };
                append(&mut tx, &entry).await?;
            }
            tx.commit().await?;
        }
        let mut recent = self.lock();
        for (refusal, recorded) in over {
            // Repetitions that arrived in the meantime start a new window.
            match recent.get_mut(&refusal) {
                Some(repeated) if repeated.times > recorded.times => {
                    (repeated.times, repeated.since) = (repeated.times - recorded.times, now);
                }
                _ => drop(recent.remove(&refusal)),
            }
        }
        Ok(())
    }
}

/// Guard for the first refusal of its kind while it is recorded. If that fails, or the future is dropped because the
/// client has gone, the refusal is counted as a repetition instead.
struct First<'a> {
    refusals: &'a Refusals,
    refusal: Refusal,
    is_recorded: bool,
}

impl Drop for First<'_> {
    fn drop(&mut self) {
        if !self.is_recorded
            && let Some(repeated) = self.refusals.lock().get_mut(&self.refusal)
        {
            repeated.times += 1;
        }
    }
}

impl Refusal {
    fn of(entry: &Entry<'_>) -> Self {
        let Entry { actor, network, export, event, .. } = entry;
        Self { actor: (*actor).to_owned(), network: *network, export: *export, event: name_and_detail(event) }
    }
}
