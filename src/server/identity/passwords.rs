//! Password checks: a few at a time, and in the same time whether or not the account exists.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::concurrency_limit::ConcurrencyLimit;
use super::error::Error;
use super::hash_schemes::{HashSchemes, MAX_SCHEMES};
use crate::server::support::password::{HashError, StoredHash, hash_argon2id};
use crate::server::support::sync::lock;

/// Concurrent checks. Each takes tens of MiB and a core for a while; more would allow denial of service.
const MAX_CONCURRENT_CHECKS: usize = 2;
const MAX_WAITING_CHECKS: usize = 16;
const CHECK_QUEUE_TIMEOUT: Duration = Duration::from_secs(10);
/// Padding for account lookups in a nearby database, which take less than this.
const LOOKUP_PADDING: Duration = Duration::from_millis(20);
/// Dummy hash verified for unknown accounts until a hash of the source has been seen. A constant, because computing one
/// would cost every start of the program as much as a sign-in.
const DUMMY_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$d2F5YmlsbC1uby1hY2NvdW50$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

pub struct PasswordChecker {
    limit: ConcurrencyLimit,
    schemes: Arc<Mutex<HashSchemes>>,
    dummy: StoredHash,
}

impl PasswordChecker {
    #[expect(clippy::expect_used, reason = "a test parses this constant")]
    pub fn new() -> Self {
        Self {
            limit: ConcurrencyLimit::new(MAX_CONCURRENT_CHECKS, MAX_WAITING_CHECKS, CHECK_QUEUE_TIMEOUT),
            schemes: Arc::new(Mutex::new(HashSchemes::default())),
            dummy: StoredHash::parse(DUMMY_HASH).expect("the dummy hash is one of Waybill's own"),
        }
    }

    /// Counts and times the source's hash schemes before the first sign-in, so that the first unknown name takes as
    /// long as the first known one.
    pub async fn measure_schemes(&self, hashes: Vec<StoredHash>) -> Result<(), Error> {
        let mut examples = BTreeMap::new();
        for hash in hashes {
            lock(&self.schemes).record_hash(&hash);
            examples.insert(hash.scheme(), hash);
        }
        for (_, hash) in examples.into_iter().take(MAX_SCHEMES) {
            self.run_check(hash, SecretString::default()).await?;
        }
        Ok(())
    }

    /// Whether the password matches the hash. Never without a hash or for a disabled account (`may_match` is false).
    /// All failures take the same time, measured from `started_at`, when the account lookup started.
    pub async fn verify(
        &self,
        stored: Option<&str>,
        may_match: bool,
        password: SecretString,
        started_at: Instant,
    ) -> Result<bool, Error> {
        let parsed_hash = stored.map(StoredHash::parse).and_then(|parsed| {
            parsed
                .inspect_err(|problem| match problem {
                    HashError::NoPassword => {}
                    problem => tracing::warn!(
                        "an account cannot sign in, because its stored password cannot be verified: {problem}"
                    ),
                })
                .ok()
        });
        let has_readable_hash = parsed_hash.is_some();
        let hash = match parsed_hash {
            Some(hash) => {
                lock(&self.schemes).record_hash(&hash);
                hash
            }
            None => lock(&self.schemes).most_common().unwrap_or_else(|| self.dummy.clone()),
        };
        let matches = self.run_check(hash, password).await?;
        if matches && has_readable_hash && may_match {
            return Ok(true);
        }
        // Padded to the slowest scheme, so that timing does not reveal accounts with cheaper hashes.
        let min_duration = lock(&self.schemes).slowest_check() + LOOKUP_PADDING;
        tokio::time::sleep_until((started_at + min_duration).into()).await;
        Ok(false)
    }

    async fn run_check(&self, hash: StoredHash, password: SecretString) -> Result<bool, Error> {
        let permit = self.limit.acquire().await?;
        let schemes = self.schemes.clone();
        let check = move || {
            let _permit = permit;
            let started_at = Instant::now();
            let matches = hash.verify(password.expose_secret());
            lock(&schemes).record_duration(&hash, started_at.elapsed());
            matches
        };
        tokio::task::spawn_blocking(check).await.map_err(|_| Error::TaskPanicked)
    }
}

/// Hashes a password on a blocking thread. Of the salt, whose length does not matter, the digest is used.
pub async fn hash_password(password: SecretString, salt: String) -> Result<String, Error> {
    let task = tokio::task::spawn_blocking(move || {
        let salt: [u8; 32] = Sha256::digest(salt).into();
        hash_argon2id(password.expose_secret(), &salt)
    });
    task.await.map_err(|_| Error::TaskPanicked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn before_anything_was_seen_an_unknown_account_costs_as_much_as_one_of_waybills_own() {
        let own = StoredHash::parse(&hash_argon2id("secret", b"0123456789abcdef")).unwrap();
        let dummy = StoredHash::parse(DUMMY_HASH).unwrap();
        assert_eq!(dummy.scheme(), own.scheme());
        assert!(!dummy.verify(""));
    }

    /// D6 of the review: an application's own hashes may cost ten times what ours do.
    #[tokio::test]
    async fn an_unknown_account_costs_what_most_accounts_of_the_source_cost_and_none_ends_sooner() {
        let passwords = PasswordChecker::new();
        let bcrypt = StoredHash::parse(&bcrypt::hash("secret", 6).unwrap()).unwrap();
        let cheap = bcrypt::hash("secret", 4).unwrap();
        passwords
            .measure_schemes(vec![StoredHash::parse(&cheap).unwrap(), bcrypt.clone(), bcrypt.clone()])
            .await
            .unwrap();
        assert_eq!(lock(&passwords.schemes).most_common().unwrap().scheme(), "bcrypt cost=6");
        let slowest = lock(&passwords.schemes).slowest_check();
        assert!(slowest > Duration::ZERO);
        for stored in [None, Some(cheap.as_str()), Some("$6$unreadable$hash")] {
            let begun = Instant::now();
            assert!(!passwords.verify(stored, true, "wrong".into(), Instant::now()).await.unwrap());
            assert!(begun.elapsed() >= slowest.min(lock(&passwords.schemes).slowest_check()));
        }
        assert!(passwords.verify(Some(&cheap), true, "secret".into(), Instant::now()).await.unwrap());
        assert!(
            !passwords.verify(Some(&cheap), false, "secret".into(), Instant::now()).await.unwrap(),
            "a disabled account"
        );
    }
}
