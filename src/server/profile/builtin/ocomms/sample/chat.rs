//! Ids, times and sizes that the tables of a sample share.

use uuid::Uuid;

use super::known_users::KNOWN_USERS;
use super::person::{Person, known_people};
use super::spec::SampleSpec;
use crate::server::profile::builtin::seeded_random::SeededRandom;
use crate::server::support::copy_text::Timestamp;
use crate::server::support::password::hash_better_auth;

/// Start of the sample's time: 2025-01-06T00:00:00Z, in microseconds.
const START_US: i64 = 1_736_121_600_000_000;
pub const SECOND_US: i64 = 1_000_000;
pub const HOUR_US: i64 = 3_600 * SECOND_US;
pub const DAY_US: i64 = 24 * HOUR_US;

/// A sample of a certain size.
pub struct Chat {
    pub seed: u64,
    pub organizations: u64,
    pub messages: u64,
    /// People of one organisation who are nobody else's, among them some who left.
    pub people_per_organization: u64,
    /// One for each of `KNOWN_USERS`.
    pub password_hashes: Vec<String>,
    pub known_people: Vec<(u64, Person)>,
}

impl Chat {
    pub fn new(spec: &SampleSpec, password_hashes: Vec<String>) -> Self {
        let organizations = spec.organizations.max(1);
        Self {
            seed: spec.seed,
            organizations,
            messages: spec.messages,
            people_per_organization: (spec.messages / organizations / 200).clamp(12, 200),
            password_hashes,
            known_people: known_people(organizations),
        }
    }

    pub fn random(&self, subject: &str, index: u64) -> SeededRandom {
        SeededRandom::new(self.seed, subject, index)
    }

    /// An opaque, reproducible id of 32 characters, as better-auth makes them.
    pub fn text_id(&self, subject: &str, index: u64) -> String {
        self.random(subject, index).random_id(32)
    }

    /// A reproducible UUID (version 8, RFC 9562). It begins with its number, so that millions of them are inserted into an
    /// index in order.
    pub fn uuid(&self, subject: &str, index: u64) -> Uuid {
        let mut random = self.random(subject, index);
        let (high, low) = (random.below(1 << 12), random.below(1 << 62));
        let (version, variant) = (0x8000, 1 << 63);
        let first = ((index & 0xffff_ffff_ffff) << 16) | version | high;
        Uuid::from_u64_pair(first, variant | low)
    }

    pub fn organization_id(&self, organization: u64) -> String {
        self.text_id("organization", organization % self.organizations)
    }

    pub fn user_id(&self, user: u64) -> String {
        self.text_id("user", user)
    }

    pub fn message_id(&self, message: u64) -> Uuid {
        self.uuid("message", message)
    }
}

/// One number for two, such as an organisation and a user.
pub fn pair(one: u64, other: u64) -> u64 {
    (one << 32) | other
}

/// Days and microseconds after the start of the sample's time.
pub fn days_after_start(days: u64, micros: i64) -> Timestamp {
    Timestamp(START_US + days.cast_signed() * DAY_US + micros)
}

/// A time so many microseconds later.
pub fn later(than: Timestamp, micros: i64) -> Timestamp {
    Timestamp(than.0 + micros)
}

/// A word that says whose text this is. Only texts of this organisation, in this column, hold it.
pub fn canary(organization: u64, column: &str) -> String {
    format!("canary-o{organization:04}-{column}")
}

/// A word that says which user's text this is: users belong to no organisation.
pub fn user_canary(user: u64, column: &str) -> String {
    format!("canary-u{user:06}-{column}")
}

/// One hash for each of `KNOWN_USERS`: hashing every user's password would take hours.
pub fn hash_passwords(password: &str, seed: u64) -> Vec<String> {
    (0..KNOWN_USERS.len() as u64).map(|user| hash_better_auth(password, &salt(user, seed))).collect()
}

/// The user's number, and the seed.
fn salt(user: u64, seed: u64) -> [u8; 16] {
    let mut salt = [0; 16];
    salt[..8].copy_from_slice(&user.to_be_bytes());
    salt[8..].copy_from_slice(&seed.to_be_bytes());
    salt
}
