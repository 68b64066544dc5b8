//! How a password is stored.

use argon2::Argon2;
use argon2::password_hash::PasswordHasher;
use argon2::password_hash::phc::PasswordHash;

/// Argon2id with 19 MiB, two passes, one lane (OWASP Password Storage Cheat Sheet), as a PHC string.
pub fn hash(password: &str, salt: &[u8]) -> String {
    let hash: Result<PasswordHash, _> = Argon2::default().hash_password_with_salt(password.as_bytes(), salt);
    hash.map(|hash| hash.to_string()).unwrap_or_default()
}
