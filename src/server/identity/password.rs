//! Checks passwords against what the source stores: Argon2 as a PHC string, or bcrypt.

use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::PasswordVerifier;
use argon2::password_hash::phc::PasswordHash;
use secrecy::{ExposeSecret, SecretString};

use super::Error;
use super::queue::Queue;

/// Each check takes 19 MiB and a core for a while; more at once would be a way to stop the server.
const AT_ONCE: usize = 2;
const WAITING: usize = 16;
const PATIENCE: Duration = Duration::from_secs(10);
/// What a stored hash may ask for: a source can hold anything, and a hash that asks for 4 GiB stops the machine. Enough
/// for RFC 9106's second choice (64 MiB, three passes) and for what frameworks write.
const MOST_MEMORY_KIB: u32 = 128 << 10;
const MOST_MEMORY_TIMES_PASSES_KIB: u64 = 512 << 10;
const MOST_LANES: u32 = 16;
/// Two to this power of rounds: about a second.
const HIGHEST_BCRYPT_COST: u32 = 14;
/// What an unknown account's password is checked against, so that it takes as long as a known one's. Written
/// out, because making one would cost every start of the program as much as a sign-in.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$d2F5YmlsbC1uby1hY2NvdW50$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

pub struct Passwords {
    queue: Queue,
}

impl Passwords {
    pub fn new() -> Self {
        Self { queue: Queue::new(AT_ONCE, WAITING, PATIENCE) }
    }

    /// Whether the password belongs to the hash. No hash, no match, in the same time.
    pub async fn matches(&self, stored: Option<String>, password: SecretString) -> Result<bool, Error> {
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| NOBODY.to_owned());
        let place = self.queue.enter().await?;
        let check = move || {
            let _place = place;
            verify(&stored, password.expose_secret())
        };
        Ok(tokio::task::spawn_blocking(check).await.map_err(|_| Error::Lost)? && known)
    }
}

fn verify(stored: &str, password: &str) -> bool {
    if !is_affordable(stored) {
        tracing::warn!("an account's stored password asks for more work than Waybill does; it signs nobody in");
        // In the time of any other one.
        let _ = verify(NOBODY, password);
        return false;
    }
    if stored.starts_with("$2") {
        return bcrypt::verify(password, stored).unwrap_or(false);
    }
    PasswordHash::new(stored).is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

/// Whether a hash asks for no more time and memory than one sign-in may take.
fn is_affordable(stored: &str) -> bool {
    if stored.starts_with("$2") {
        let cost = stored.split('$').nth(2).and_then(|cost| cost.parse().ok());
        return cost.is_none_or(|cost: u32| cost <= HIGHEST_BCRYPT_COST);
    }
    let Ok(hash) = PasswordHash::new(stored) else { return true };
    let asked = |name: &str| hash.params.get_decimal(name).unwrap_or_default();
    let (memory, passes, lanes) = (asked("m"), asked("t"), asked("p"));
    let work = u64::from(memory.max(1)) * u64::from(passes);
    memory <= MOST_MEMORY_KIB && work <= MOST_MEMORY_TIMES_PASSES_KIB && lanes <= MOST_LANES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::support::password::hash;

    #[test]
    fn an_unknown_account_costs_as_much_as_a_known_one() {
        let cost = |stored: &str| {
            let hash = PasswordHash::new(stored).unwrap();
            let output = hash.hash.map(|output| output.len());
            (hash.algorithm, hash.version, hash.params.to_string(), hash.salt.is_some(), output)
        };
        assert_eq!(cost(NOBODY), cost(&hash("secret", b"0123456789abcdef")));
        assert!(!verify(NOBODY, ""));
    }

    /// D13 of the review: whoever can write a hash could stop the machine with one sign-in.
    #[test]
    fn a_hash_that_asks_for_absurd_work_is_refused_before_it_is_tried() {
        let tail = "c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        for absurd in [
            format!("$argon2id$v=19$m=4194304,t=3,p=1${tail}"),
            format!("$argon2id$v=19$m=131072,t=16,p=1${tail}"),
            format!("$argon2id$v=19$m=8,t=1000000,p=1${tail}"),
            format!("$argon2id$v=19$m=19456,t=4294967295,p=1${tail}"),
            format!("$argon2id$v=19$m=19456,t=2,p=16777215${tail}"),
            "$2b$31$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuabcdefghijklm".to_owned(),
        ] {
            assert!(!is_affordable(&absurd), "{absurd}");
            assert!(!verify(&absurd, "secret"));
        }
        assert!(is_affordable(&hash("secret", b"0123456789abcdef")) && is_affordable(NOBODY));
        assert!(is_affordable(&bcrypt::hash("secret", 4).unwrap()));
    }

    #[test]
    fn argon2_and_bcrypt_are_understood_and_nonsense_never_matches() {
        let argon = hash("secret", b"0123456789abcdef");
        assert!(argon.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{argon}");
        let bcrypt = bcrypt::hash("secret", 4).unwrap();
        for stored in [&argon, &bcrypt] {
            assert!(verify(stored, "secret"));
            assert!(!verify(stored, "Secret"));
        }
        for nonsense in ["", "secret", "$2y$", "$argon2id$", "*"] {
            assert!(!verify(nonsense, "secret"));
        }
    }
}
