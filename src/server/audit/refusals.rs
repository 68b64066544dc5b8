//! The memory of recent refusals: the first of its kind is recorded at once, its repetitions within a minute as one row
//! with their number.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard};

use chrono::{DateTime, TimeDelta, Utc};

use super::actor::Actor;
use super::chain::name_and_detail;
use super::event::Event;
use crate::server::support::sync::lock;

/// Repetitions within this window become one row.
const REPEAT_WINDOW: TimeDelta = TimeDelta::minutes(1);
/// Limit on the refusals tracked at once; further ones are each recorded individually.
const MAX_TRACKED: usize = 4096;

#[derive(Debug, Default)]
pub struct Refusals(Mutex<HashMap<Refusal, Count>>);

/// What makes refusals count as the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Refusal {
    actor: String,
    network: Option<IpAddr>,
    /// The event's name and detail.
    event: (String, String),
}

#[derive(Clone, Debug)]
struct Count {
    event: Event,
    since: DateTime<Utc>,
    times: u64,
}

/// A refusal that was repeated.
#[derive(Clone, Debug)]
pub struct Repeated {
    pub refusal: Refusal,
    pub event: Event,
    pub times: u64,
}

impl Refusal {
    pub fn new(actor: Actor<'_>, event: &Event) -> Self {
        Self { actor: actor.name.to_owned(), network: actor.network, event: name_and_detail(event) }
    }

    pub fn actor(&self) -> Actor<'_> {
        Actor { name: &self.actor, network: self.network }
    }
}

impl Refusals {
    fn lock(&self) -> MutexGuard<'_, HashMap<Refusal, Count>> {
        lock(&self.0)
    }

    /// Counts a repetition and returns true; returns false for the first refusal of its kind.
    pub fn count_repetition(&self, refusal: &Refusal, event: &Event, now: DateTime<Utc>) -> bool {
        let mut recent = self.lock();
        if let Some(repeated) = recent.get_mut(refusal) {
            repeated.times += 1;
            return true;
        }
        if recent.len() < MAX_TRACKED {
            recent.insert(refusal.clone(), Count { event: event.clone(), since: now, times: 0 });
        }
        false
    }

    /// Watches over the first refusal of its kind while it is recorded.
    pub fn first(&self, refusal: Refusal) -> FirstRefusal<'_> {
        FirstRefusal { refusals: self, refusal: Some(refusal) }
    }

    /// Returns the refusals whose window is over, or all of them.
    pub fn due(&self, now: DateTime<Utc>, all: bool) -> Vec<Repeated> {
        let recent = self.lock();
        let due = recent.iter().filter(|(_, count)| all || now - count.since >= REPEAT_WINDOW);
        due.map(|(refusal, count)| Repeated {
            refusal: refusal.clone(),
            event: count.event.clone(),
            times: count.times,
        })
        .collect()
    }

    /// Forgets refusals whose repetitions are recorded. Repetitions that arrived in the meantime start a new window.
    pub fn forget(&self, recorded: &[Repeated], now: DateTime<Utc>) {
        let mut recent = self.lock();
        for Repeated { refusal, times, .. } in recorded {
            match recent.get_mut(refusal) {
                Some(count) if count.times > *times => (count.times, count.since) = (count.times - times, now),
                _ => drop(recent.remove(refusal)),
            }
        }
    }
}

/// The first refusal of its kind. If recording it fails, or the future is dropped because the client has gone, the
/// refusal counts as a repetition instead.
pub struct FirstRefusal<'a> {
    refusals: &'a Refusals,
    refusal: Option<Refusal>,
}

impl FirstRefusal<'_> {
    pub fn set_recorded(mut self) {
        self.refusal = None;
    }
}

impl Drop for FirstRefusal<'_> {
    fn drop(&mut self) {
        if let Some(refusal) = &self.refusal
            && let Some(count) = self.refusals.lock().get_mut(refusal)
        {
            count.times += 1;
        }
    }
}
