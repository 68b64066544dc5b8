//! The code for creating the first account: works once, and for an hour.

use std::sync::{Mutex, MutexGuard};

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

use super::second_factor::normalise_code;
use crate::server::support::random::{Random, new_typeable_code};
use crate::server::support::sync::lock;

/// 80 bits: cannot be guessed within an hour, as attempts are limited per network.
const CHARS: usize = 16;
/// Short, so that a code found in a log later is useless.
const TTL: TimeDelta = TimeDelta::hours(1);

/// The issued code, until it is used.
#[derive(Debug, Default)]
pub struct SetupCode(Mutex<Option<IssuedCode>>);

#[derive(Debug)]
pub struct IssuedCode {
    sha256: [u8; 32],
    expires_at: DateTime<Utc>,
}

impl SetupCode {
    /// Issues a code; an earlier one is no longer valid.
    pub fn issue(&self, random: &dyn Random, now: DateTime<Utc>) -> String {
        let code = new_typeable_code(random, CHARS);
        self.put_back(IssuedCode { sha256: digest(&code), expires_at: now + TTL });
        code
    }

    /// Takes the issued code if `typed` is it and it has not expired. Of two concurrent requests, only one gets it.
    pub fn take(&self, typed: &str, now: DateTime<Utc>) -> Option<IssuedCode> {
        self.lock().take_if(|issued| issued.sha256 == digest(typed) && now < issued.expires_at)
    }

    /// Makes a taken code valid again, when the account could not be created.
    pub fn put_back(&self, issued: IssuedCode) {
        *self.lock() = Some(issued);
    }

    fn lock(&self) -> MutexGuard<'_, Option<IssuedCode>> {
        lock(&self.0)
    }
}

fn digest(code: &str) -> [u8; 32] {
    Sha256::digest(normalise_code(code)).into()
}
