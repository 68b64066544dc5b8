//! Password hashes: Waybill's own, and those of applications whose accounts sign in here.

mod cost;
mod format;
mod parse;

use std::collections::BTreeMap;

use argon2::Argon2;
use argon2::password_hash::PasswordHasher;
use argon2::password_hash::phc::PasswordHash;

pub use format::HashError;
use format::HashFormat;

/// Hashes a password with Argon2id: 19 MiB, two passes, one lane (OWASP Password Storage Cheat Sheet), as a PHC string.
///
/// # Panics
/// If the password is longer than 4 GiB.
#[expect(clippy::expect_used, reason = "the cost is Argon2's default, and the compiler checks the salt's length")]
pub fn hash_argon2id<const SALT_BYTES: usize>(password: &str, salt: &[u8; SALT_BYTES]) -> String {
    // RFC 9106, section 3.1, recommends 16 bytes; a PHC string has room for 48.
    const { assert!(SALT_BYTES >= 16 && SALT_BYTES <= 48) };
    let hash: Result<PasswordHash, _> = Argon2::default().hash_password_with_salt(password.as_bytes(), salt);
    hash.expect("password, salt and cost are within the limits of Argon2").to_string()
}

/// Hashes a password as better-auth does: scrypt, as `salt:key` in hexadecimal. For samples.
#[must_use]
pub fn hash_better_auth(password: &str, salt: &[u8; 16]) -> String {
    parse::better_auth::hash(password, &hex::encode(salt))
}

/// A stored hash that can be verified at a cost that is acceptable for a sign-in.
///
/// ```
/// use waybill::server::support::password::{StoredHash, hash_argon2id};
///
/// let stored = StoredHash::parse(&hash_argon2id("correct horse battery staple", b"0123456789abcdef")).unwrap();
/// assert!(stored.verify("correct horse battery staple"));
/// assert!(!stored.verify("correct horse"));
/// assert_eq!(stored.scheme(), "argon2id m=19456 t=2 p=1");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredHash {
    format: HashFormat,
}

/// Counts how many values of a column can be verified, and why the others cannot.
#[derive(Clone, Debug, Default)]
pub struct HashStats {
    /// All values except `HashError::NoPassword`.
    pub total: u64,
    pub errors: BTreeMap<HashError, u64>,
}

impl HashStats {
    /// Counts a value, and returns its hash if it can be verified.
    pub fn record(&mut self, text: &str) -> Option<StoredHash> {
        let parsed = StoredHash::parse(text);
        match &parsed {
            Err(HashError::NoPassword) => return None,
            Err(problem) => *self.errors.entry(problem.clone()).or_default() += 1,
            Ok(_) => {}
        }
        self.total += 1;
        parsed.ok()
    }
}

impl StoredHash {
    /// Parses the formats of Waybill, Django, Werkzeug (Flask), passlib, better-auth and others.
    ///
    /// # Errors
    /// `NoPassword` without a password; `Unsupported` or `UnknownFormat` for other formats; `TooExpensive` if verifying would take
    /// more memory or time than a sign-in may.
    pub fn parse(text: &str) -> Result<Self, HashError> {
        let format = parse::parse_format(text)?;
        cost::check_cost(&format)?;
        Ok(Self { format })
    }

    /// Whether the password matches. Takes as long as the hash's cost parameters demand.
    #[must_use]
    pub fn verify(&self, password: &str) -> bool {
        self.format.verify(password)
    }

    /// Returns algorithm and cost parameters, such as `argon2id m=19456 t=2 p=1`. Hashes of one scheme take the same
    /// time.
    #[must_use]
    pub fn scheme(&self) -> String {
        cost::scheme(&self.format)
    }
}
