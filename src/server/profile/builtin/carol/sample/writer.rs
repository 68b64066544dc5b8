//! Ids and times that the tables of a sample share.

use chrono::{DateTime, Days, NaiveDate};
use rusqlite::{Params, Transaction};

use super::spec::SampleSpec;
use crate::server::profile::builtin::seeded_random::SeededRandom;

/// Start of the sample's time: 2019-01-01T00:00:00Z, in milliseconds.
const START_MS: i64 = 1_546_300_800_000;
const DAY_MS: i64 = 86_400_000;

/// Writes the records of a sample.
pub struct SampleWriter<'t> {
    pub transaction: &'t Transaction<'t>,
    pub spec: &'t SampleSpec,
}

/// One user, whose records are being written.
#[derive(Clone, Copy, Debug)]
pub struct Owner {
    /// The user's number.
    pub number: u64,
    /// People whom they know.
    pub people: u64,
}

impl<'t> SampleWriter<'t> {
    pub fn new(transaction: &'t Transaction<'t>, spec: &'t SampleSpec) -> Self {
        // The statements of all tables stay prepared.
        transaction.set_prepared_statement_cache_capacity(64);
        Self { transaction, spec }
    }

    /// Inserts one record, with a value for every column.
    pub fn insert(&self, table: &str, columns: usize, values: impl Params) -> rusqlite::Result<()> {
        let marks = vec!["?"; columns].join(", ");
        self.transaction.prepare_cached(&format!("INSERT INTO {table} VALUES ({marks})"))?.execute(values)?;
        Ok(())
    }

    pub fn owners(&self) -> impl Iterator<Item = Owner> {
        let people = self.spec.people;
        (0..self.spec.users).map(move |number| Owner { number, people })
    }

    pub fn random(&self, subject: &str, owner: Owner, nth: u64) -> SeededRandom {
        SeededRandom::new(self.spec.seed, subject, (owner.number << 32) + nth)
    }

    /// The id of a user's n-th record of a table.
    pub fn id(&self, table: &str, owner: Owner, nth: u64) -> String {
        uuid(&mut self.random(table, owner, nth), nth)
    }
}

/// A reproducible UUID of version 7, in the order of its numbers.
pub fn uuid(random: &mut SeededRandom, nth: u64) -> String {
    let (high, low) = (random.below(1 << 28), random.below(1 << 48));
    format!(
        "{:08x}-{:04x}-7{:03x}-8{:03x}-{low:012x}",
        0x0190_0000 + (nth & 0xff_ffff),
        high & 0xffff,
        (high >> 16) & 0xfff,
        nth & 0xfff
    )
}

/// A time of the sample, with milliseconds.
pub fn time(random: &mut SeededRandom) -> String {
    let at = DateTime::from_timestamp_millis(START_MS + random.between(0, 2500 * DAY_MS)).unwrap_or_default();
    at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// A day that many days after the first of 1990.
pub fn day(after: u64) -> String {
    let first = NaiveDate::from_ymd_opt(1990, 1, 1).unwrap_or_default();
    (first + Days::new(after)).format("%Y-%m-%d").to_string()
}
