//! Password hashes: Waybill's own, and those of applications whose accounts sign in here.

mod cost;
mod parse;

use std::collections::BTreeMap;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use pbkdf2::pbkdf2_hmac;
use sha2::{Digest, Sha256, Sha512};
use subtle::ConstantTimeEq;
use unicode_normalization::UnicodeNormalization;

/// Hashes a password with Argon2id: 19 MiB, two passes, one lane (OWASP Password Storage Cheat Sheet), as a PHC string.
pub fn hash_argon2id(password: &str, salt: &[u8]) -> String {
    let hash: Result<PasswordHash, _> = Argon2::default().hash_password_with_salt(password.as_bytes(), salt);
    hash.map(|hash| hash.to_string()).unwrap_or_default()
}

/// A stored hash that can be verified at a cost that is acceptable for a sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredHash {
    format: HashFormat,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum HashFormat {
    /// A PHC string (<https://github.com/P-H-C/phc-string-format>).
    Argon2(String),
    /// `is_sha256_prehashed` is Django's `bcrypt_sha256`, which takes passwords of any length.
    Bcrypt {
        text: String,
        is_sha256_prehashed: bool,
    },
    Scrypt(Scrypt),
    Pbkdf2(Pbkdf2),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Scrypt {
    log_n: u8,
    r: u32,
    p: u32,
    salt: Vec<u8>,
    digest: Vec<u8>,
    /// better-auth normalises passwords to NFKC (Unicode Standard Annex 15).
    is_nfkc_normalised: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Pbkdf2 {
    prf: Prf,
    iterations: u32,
    salt: Vec<u8>,
    digest: Vec<u8>,
}

/// The hash function of the HMAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Prf {
    Sha1,
    Sha256,
    Sha512,
}

/// Why a stored hash cannot be verified.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum HashError {
    /// Written by frameworks for accounts that sign in without a password.
    #[error("no password")]
    NoPassword,
    /// A known format that is not supported.
    #[error("{0}")]
    Unsupported(&'static str),
    /// Holds nothing of the text, which may be a plaintext password.
    #[error("an unknown format")]
    UnknownFormat,
    #[error("{0}, too expensive to verify at sign-in")]
    TooExpensive(String),
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
        match &self.format {
            HashFormat::Argon2(text) => PasswordHash::new(text)
                .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok()),
            HashFormat::Bcrypt { text, is_sha256_prehashed: false } => bcrypt::verify(password, text).unwrap_or(false),
            HashFormat::Bcrypt { text, is_sha256_prehashed: true } => {
                bcrypt::verify(hex::encode(Sha256::digest(password)), text).unwrap_or(false)
            }
            HashFormat::Scrypt(scrypt) => scrypt.verify(password),
            HashFormat::Pbkdf2(pbkdf2) => pbkdf2.verify(password),
        }
    }

    /// Returns algorithm and cost parameters, such as `argon2id m=19456 t=2 p=1`. Hashes of one scheme take the same
    /// time.
    #[must_use]
    pub fn scheme(&self) -> String {
        cost::scheme(&self.format)
    }
}

impl Scrypt {
    fn verify(&self, password: &str) -> bool {
        let normalised_password: String;
        let password = if self.is_nfkc_normalised {
            normalised_password = password.nfkc().collect();
            &normalised_password
        } else {
            password
        };
        let Ok(params) = scrypt::Params::new(self.log_n, self.r, self.p) else { return false };
        let mut derived = vec![0; self.digest.len()];
        let made = scrypt::scrypt(password.as_bytes(), &self.salt, &params, &mut derived).is_ok();
        made && bool::from(derived.ct_eq(&self.digest))
    }
}

impl Pbkdf2 {
    fn verify(&self, password: &str) -> bool {
        let mut found = vec![0; self.digest.len()];
        let derive = match self.prf {
            Prf::Sha1 => pbkdf2_hmac::<sha1::Sha1>,
            Prf::Sha256 => pbkdf2_hmac::<Sha256>,
            Prf::Sha512 => pbkdf2_hmac::<Sha512>,
        };
        derive(password.as_bytes(), &self.salt, self.iterations, &mut found);
        bool::from(found.ct_eq(&self.digest))
    }
}
