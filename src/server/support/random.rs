//! Cryptographic randomness, injected, and what is made of it: tokens, ids, typeable codes.

use chrono::{DateTime, Utc};
use rand::TryRng;
use rand::rngs::SysRng;
use uuid::Uuid;

use super::clock::Clock;

pub trait Random: Send + Sync {
    fn fill(&self, bytes: &mut [u8]);
}

/// The operating system's random number generator.
#[derive(Clone, Copy, Debug)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        SysRng
            .try_fill_bytes(bytes)
            .unwrap_or_else(|error| panic!("the operating system returns no random bytes: {error}"));
    }
}

/// Returns 256 bits in hexadecimal, for session tokens and artefact names.
#[must_use]
pub fn new_token(random: &dyn Random) -> String {
    let mut bytes = [0; 32];
    random.fill(&mut bytes);
    hex::encode(bytes)
}

/// Returns a UUID version 7 (RFC 9562), which sorts by time.
#[must_use]
pub fn new_uuid_v7(clock: &dyn Clock, random: &dyn Random) -> Uuid {
    let mut bytes = [0; 10];
    random.fill(&mut bytes);
    // A version 7 knows no time before 1970.
    let millis = clock.now().timestamp_millis().max(0).unsigned_abs();
    uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
}

/// Returns an error reference that finds the error in the log, such as `7K2Q-19FD`.
#[must_use]
pub fn new_error_reference(random: &dyn Random) -> String {
    new_typeable_code(random, 8)
}

/// Returns `length` random characters of 5 bits each, in groups of four, for people to type. Crockford's Base32 has no
/// letters that look like digits.
#[must_use]
pub fn new_typeable_code(random: &dyn Random, length: usize) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let mut bytes = vec![0; length];
    random.fill(&mut bytes);
    let characters: Vec<char> = bytes.iter().map(|b| char::from(ALPHABET[usize::from(b % 32)])).collect();
    characters.chunks(4).map(|four| four.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

/// The time in a `UUIDv7` of 32 hexadecimal digits, of which the first 48 bits are milliseconds (RFC 9562).
#[must_use]
pub fn time_of_uuid_v7(digits: &str) -> Option<DateTime<Utc>> {
    let millis = digits.get(..12).and_then(|digits| i64::from_str_radix(digits, 16).ok());
    millis.and_then(DateTime::from_timestamp_millis)
}
