//! Ids and sizes that the tables of a sample share.

use rusqlite::{CachedStatement, Transaction};

use super::known_users::KNOWN_USERS;
use super::spec::SampleSpec;
use crate::server::profile::builtin::seeded_random::{SeededRandom, index_below};

/// Start of the sample's time: 2025-01-06T00:00:00Z, in milliseconds.
pub const START_MS: i64 = 1_736_121_600_000;
pub const MINUTE_MS: i64 = 60_000;
pub const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
/// Users of each company, besides the known ones.
pub const STAFF_PER_COMPANY: u64 = 4;
pub const SITES_PER_COMPANY: u64 = 2;

/// Writes the records of a sample.
pub struct SampleWriter<'t> {
    pub transaction: &'t Transaction<'t>,
    pub spec: &'t SampleSpec,
    pub companies: u64,
}

impl<'t> SampleWriter<'t> {
    pub fn new(transaction: &'t Transaction<'t>, spec: &'t SampleSpec) -> Self {
        // The statements of all tables stay prepared.
        transaction.set_prepared_statement_cache_capacity(64);
        Self { transaction, spec, companies: spec.company_count() }
    }

    pub fn prepare_insert(&self, table: &str, columns: usize) -> rusqlite::Result<CachedStatement<'_>> {
        self.transaction.prepare_cached(&format!("INSERT INTO {table} VALUES ({})", vec!["?"; columns].join(", ")))
    }

    pub fn random(&self, subject: &str, index: u64) -> SeededRandom {
        SeededRandom::new(self.spec.seed, subject, index)
    }

    /// An opaque, reproducible id of 32 characters. It begins with its number, so that a million of them are inserted
    /// into an index in order.
    pub fn id(&self, subject: &str, index: u64) -> String {
        let tail = self.random(subject, index).random_id(22);
        format!("{}{index:09}{tail}", subject.chars().next().unwrap_or('x'))
    }

    pub fn user_count(&self) -> u64 {
        KNOWN_USERS.len() as u64 + self.companies * STAFF_PER_COMPANY
    }

    pub fn user_index(&self, company: u64, nth: u64) -> u64 {
        KNOWN_USERS.len() as u64 + (company % self.companies) * STAFF_PER_COMPANY + nth % STAFF_PER_COMPANY
    }

    pub fn site_index(&self, company: u64, nth: u64) -> u64 {
        (company % self.companies) * SITES_PER_COMPANY + nth % SITES_PER_COMPANY
    }
}

/// A time so long after the sample's start, in milliseconds.
pub fn minutes_after_start(minutes: u64) -> i64 {
    START_MS + minutes.cast_signed() * MINUTE_MS
}

/// The `i`-th element, starting over after the last.
pub fn cycle<T: Copy>(from: &[T], i: u64) -> T {
    from[index_below(i, from.len())]
}
