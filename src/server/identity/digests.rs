//! What is kept of tokens and of stored password hashes.

use sha2::{Digest, Sha256};

/// What is kept of a session's token: a stolen copy of the state opens no session.
pub fn sha256_hex(token: &str) -> String {
    hex::encode(Sha256::digest(token))
}

/// Digest of the stored hash that opened a session, to detect a new password.
pub fn credential_sha256(password_hash: &str) -> String {
    sha256_hex(password_hash)
}
