//! Password checks: a few at a time, and in the same time whether or not the account exists.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret, SecretString};

use super::Error;
use super::queue::Queue;
use crate::server::support::password::{StoredHash, Unreadable};

/// Concurrent checks. Each takes tens of MiB and a core for a while; more would allow denial of service.
const AT_ONCE: usize = 2;
const WAITING: usize = 16;
const PATIENCE: Duration = Duration::from_secs(10);
/// Padding for account lookups in a nearby database, which take less than this.
const FOR_LOOK_UPS: Duration = Duration::from_millis(20);
/// Bounds memory: a source with more hash schemes than this is attacking.
const MOST_SCHEMES: usize = 16;
/// Dummy hash verified for unknown accounts until a hash of the source has been seen. A constant, because computing one
/// would cost every start of the program as much as a sign-in.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$d2F5YmlsbC1uby1hY2NvdW50$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

pub struct Passwords {
    queue: Queue,
    schemes: Arc<Mutex<Schemes>>,
}

impl Passwords {
    pub fn new() -> Self {
        let schemes = Arc::new(Mutex::new(Schemes::default()));
        Self { queue: Queue::new(AT_ONCE, WAITING, PATIENCE), schemes }
    }

    /// Counts and times the source's hash schemes before the first sign-in, so that the first unknown name takes as
    /// long as the first known one.
    pub async fn learn(&self, hashes: Vec<StoredHash>) -> Result<(), Error> {
        let mut examples = BTreeMap::new();
        for hash in hashes {
            lock(&self.schemes).see(&hash);
            examples.insert(hash.scheme(), hash);
        }
        for (_, hash) in examples.into_iter().take(MOST_SCHEMES) {
            self.check(hash, SecretString::default()).await?;
        }
        Ok(())
    }

    /// Whether the password matches the hash. Never without a hash or for a disabled account (`may_match` is false).
    /// All failures take the same time, measured from `begun`, when the account lookup started.
    pub async fn matches(
        &self,
        stored: Option<&str>,
        may_match: bool,
        password: SecretString,
        begun: Instant,
    ) -> Result<bool, Error> {
        let known = stored.map(StoredHash::parse).and_then(|parsed| {
            parsed
                .inspect_err(|problem| match problem {
                    Unreadable::Empty => {}
                    problem => tracing::warn!("an account's stored password is {problem}; it signs nobody in"),
                })
                .ok()
        });
        let is_known = known.is_some();
        let hash = match known {
            Some(hash) => {
                lock(&self.schemes).see(&hash);
                Some(hash)
            }
            None => lock(&self.schemes).usual().or_else(|| StoredHash::parse(NOBODY).ok()),
        };
        let matches = match hash {
            Some(hash) => self.check(hash, password).await?,
            None => false,
        };
        if matches && is_known && may_match {
            return Ok(true);
        }
        // Padded to the slowest scheme, so that timing does not reveal accounts with cheaper hashes.
        let slowest = lock(&self.schemes).slowest() + FOR_LOOK_UPS;
        tokio::time::sleep_until((begun + slowest).into()).await;
        Ok(false)
    }

    async fn check(&self, hash: StoredHash, password: SecretString) -> Result<bool, Error> {
        let place = self.queue.enter().await?;
        let schemes = self.schemes.clone();
        let check = move || {
            let _place = place;
            let begun = Instant::now();
            let matches = hash.verify(password.expose_secret());
            lock(&schemes).took(&hash, begun.elapsed());
            matches
        };
        tokio::task::spawn_blocking(check).await.map_err(|_| Error::Lost)
    }
}

fn lock(schemes: &Mutex<Schemes>) -> std::sync::MutexGuard<'_, Schemes> {
    schemes.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Hash schemes seen so far, by name.
#[derive(Default)]
struct Schemes(BTreeMap<String, Seen>);

struct Seen {
    example: StoredHash,
    times: u64,
    /// The shortest check so far; longer ones are due to load.
    quickest: Option<Duration>,
}

impl Schemes {
    fn see(&mut self, hash: &StoredHash) {
        let room = self.0.len() < MOST_SCHEMES;
        match self.0.get_mut(&hash.scheme()) {
            Some(seen) => seen.times += 1,
            None if room => {
                self.0.insert(hash.scheme(), Seen { example: hash.clone(), times: 1, quickest: None });
            }
            None => {}
        }
    }

    fn took(&mut self, hash: &StoredHash, time: Duration) {
        if let Some(seen) = self.0.get_mut(&hash.scheme()) {
            seen.quickest = Some(seen.quickest.map_or(time, |quickest| quickest.min(time)));
        }
    }

    /// Returns an example hash of the most frequent scheme.
    fn usual(&self) -> Option<StoredHash> {
        self.0.values().max_by_key(|seen| seen.times).map(|seen| seen.example.clone())
    }

    fn slowest(&self) -> Duration {
        self.0.values().filter_map(|seen| seen.quickest).max().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::support::password::hash;

    #[test]
    fn before_anything_was_seen_an_unknown_account_costs_as_much_as_one_of_waybills_own() {
        let own = StoredHash::parse(&hash("secret", b"0123456789abcdef")).unwrap();
        let nobody = StoredHash::parse(NOBODY).unwrap();
        assert_eq!(nobody.scheme(), own.scheme());
        assert!(!nobody.verify(""));
    }

    /// D6 of the review: an application's own hashes may cost ten times what ours do.
    #[tokio::test]
    async fn an_unknown_account_costs_what_most_accounts_of_the_source_cost_and_none_ends_sooner() {
        let passwords = Passwords::new();
        let bcrypt = StoredHash::parse(&bcrypt::hash("secret", 6).unwrap()).unwrap();
        let cheap = bcrypt::hash("secret", 4).unwrap();
        passwords.learn(vec![StoredHash::parse(&cheap).unwrap(), bcrypt.clone(), bcrypt.clone()]).await.unwrap();
        assert_eq!(lock(&passwords.schemes).usual().unwrap().scheme(), "bcrypt cost=6");
        let slowest = lock(&passwords.schemes).slowest();
        assert!(slowest > Duration::ZERO);
        for stored in [None, Some(cheap.as_str()), Some("$6$unreadable$hash")] {
            let begun = Instant::now();
            assert!(!passwords.matches(stored, true, "wrong".into(), Instant::now()).await.unwrap());
            assert!(begun.elapsed() >= slowest.min(lock(&passwords.schemes).slowest()));
        }
        assert!(passwords.matches(Some(&cheap), true, "secret".into(), Instant::now()).await.unwrap());
        assert!(
            !passwords.matches(Some(&cheap), false, "secret".into(), Instant::now()).await.unwrap(),
            "a disabled account"
        );
    }
}
