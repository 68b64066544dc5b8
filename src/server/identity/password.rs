//! Checks passwords against what the source stores: Argon2 as a PHC string, or bcrypt.

use argon2::Argon2;
use argon2::password_hash::PasswordVerifier;
use argon2::password_hash::phc::PasswordHash;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;
use tokio::task::JoinError;

/// Each check takes 19 MiB and a core for a while; more at once would be a way to stop the server.
const AT_ONCE: usize = 2;
/// What an unknown account's password is checked against, so that it takes as long as a known one's. Written
/// out, because making one would cost every start of the program as much as a sign-in.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$d2F5YmlsbC1uby1hY2NvdW50$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

pub struct Passwords {
    permits: Arc<Semaphore>,
}

impl Passwords {
    pub fn new() -> Self {
        Self { permits: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Whether the password belongs to the hash. No hash, no match, in the same time.
    pub async fn matches(&self, stored: Option<String>, password: SecretString) -> Result<bool, JoinError> {
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| NOBODY.to_owned());
        // The semaphore is never closed.
        let permit = self.permits.clone().acquire_owned().await;
        // The permit goes with the work: a client that hangs up does not set it free.
        let check = move || {
            let _permit = permit;
            verify(&stored, password.expose_secret())
        };
        Ok(tokio::task::spawn_blocking(check).await? && known)
    }
}

fn verify(stored: &str, password: &str) -> bool {
    if stored.starts_with("$2") {
        return bcrypt::verify(password, stored).unwrap_or(false);
    }
    PasswordHash::new(stored).is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
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
