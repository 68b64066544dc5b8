//! Folds repeated refusals, since one client can cause thousands: the first is recorded at once, its repetitions
//! within a minute as one row with their number.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use super::{Entry, Event, append, name_and_detail};
use crate::model::export::ExportId;
use crate::server::state::{Result, SourceState};
use crate::server::support::clock::{Clock, rfc3339};

/// Repetitions within this window become one row.
const REPEAT_WINDOW: TimeDelta = TimeDelta::minutes(1);
/// Limit on the refusals tracked at once; further ones are each recorded individually.
const MAX_TRACKED: usize = 4096;

#[derive(Debug, Default)]
pub struct RefusalRecorder(Mutex<HashMap<RefusalKey, RepeatCount>>);

/// The key by which refusals count as the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct RefusalKey {
    actor: String,
    network: Option<IpAddr>,
    export: Option<ExportId>,
    /// The event's name and detail.
    event: (String, String),
}

#[derive(Clone, Debug)]
struct RepeatCount {
    event: Event,
    since: DateTime<Utc>,
    times: u64,
}

impl RefusalRecorder {
    /// Records a refusal, or counts it if it repeats one of the last minute.
    ///
    /// # Errors
    /// `Database` if the write fails.
    pub async fn record(&self, state: &SourceState, clock: &dyn Clock, entry: Entry<'_>) -> Result<()> {
        let refusal = RefusalKey::of(&entry);
        if self.count_repetition(&refusal, &entry.event, clock) {
            return Ok(());
        }
        let mut first = FirstRefusalGuard { refusals: self, refusal, is_recorded: false };
        let mut tx = state.begin().await?;
        append(&mut tx, &entry).await?;
        tx.commit().await?;
        first.is_recorded = true;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RefusalKey, RepeatCount>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a repetition and returns true; returns false for the first refusal of its kind.
    fn count_repetition(&self, refusal: &RefusalKey, event: &Event, clock: &dyn Clock) -> bool {
        let mut recent = self.lock();
        if let Some(repeated) = recent.get_mut(refusal) {
            repeated.times += 1;
            return true;
        }
        if recent.len() < MAX_TRACKED {
            recent.insert(refusal.clone(), RepeatCount { event: event.clone(), since: clock.now(), times: 0 });
        }
        false
    }

    /// Records the repetitions whose window is over, or all of them if the server is stopping.
    ///
    /// # Errors
    /// `Database` if the write fails; the counts are kept for the next call.
    pub async fn record_repetitions(&self, state: &SourceState, clock: &dyn Clock, stopping: bool) -> Result<()> {
        let now = clock.now();
        let is_due = |repeated: &RepeatCount| stopping || now - repeated.since >= REPEAT_WINDOW;
        let due: Vec<(RefusalKey, RepeatCount)> =
            self.lock().iter().filter(|(_, repeated)| is_due(repeated)).map(|(r, n)| (r.clone(), n.clone())).collect();
        if due.iter().any(|(_, repeated)| repeated.times > 0) {
            let mut tx = state.begin().await?;
            for (refusal, repeated) in due.iter().filter(|(_, repeated)| repeated.times > 0) {
                let RefusalKey { actor, network, export, .. } = refusal;
                let event = Event::Repeated { what: Box::new(repeated.event.clone()), times: repeated.times };
                let entry = Entry { at: rfc3339(now), actor, network: *network, export: *export, event };
                append(&mut tx, &entry).await?;
            }
            tx.commit().await?;
        }
        let mut recent = self.lock();
        for (refusal, recorded) in due {
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
struct FirstRefusalGuard<'a> {
    refusals: &'a RefusalRecorder,
    refusal: RefusalKey,
    is_recorded: bool,
}

impl Drop for FirstRefusalGuard<'_> {
    fn drop(&mut self) {
        if !self.is_recorded
            && let Some(repeated) = self.refusals.lock().get_mut(&self.refusal)
        {
            repeated.times += 1;
        }
    }
}

impl RefusalKey {
    fn of(entry: &Entry<'_>) -> Self {
        let Entry { actor, network, export, event, .. } = entry;
        Self { actor: (*actor).to_owned(), network: *network, export: *export, event: name_and_detail(event) }
    }
}
