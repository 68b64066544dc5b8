//! Password hashes: Waybill's own, and those of applications whose accounts sign in here.

mod parse;
mod work;

use std::collections::BTreeMap;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use pbkdf2::pbkdf2_hmac;
use sha2::{Digest, Sha256, Sha512};
use subtle::ConstantTimeEq;
use unicode_normalization::UnicodeNormalization;

/// Hashes a password with Argon2id: 19 MiB, two passes, one lane (OWASP Password Storage Cheat Sheet), as a PHC string.
pub fn hash(password: &str, salt: &[u8]) -> String {
    let hash: Result<PasswordHash, _> = Argon2::default().hash_password_with_salt(password.as_bytes(), salt);
    hash.map(|hash| hash.to_string()).unwrap_or_default()
}

/// A stored hash that can be verified at a cost that is acceptable for a sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredHash {
    form: Form,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    /// A PHC string (<https://github.com/P-H-C/phc-string-format>).
    Argon2(String),
    /// `sha256_first` is Django's `bcrypt_sha256`, which takes passwords of any length.
    Bcrypt {
        text: String,
        sha256_first: bool,
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
    normalised: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Pbkdf2 {
    prf: Prf,
    rounds: u32,
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
pub enum Unreadable {
    /// Written by frameworks for accounts that sign in without a password.
    #[error("no password")]
    Empty,
    /// A known format that is not supported.
    #[error("{0}")]
    Unsupported(&'static str),
    /// Holds nothing of the text, which may be a plaintext password.
    #[error("a form that Waybill does not know")]
    Unknown,
    #[error("{0}, which asks for more work than a sign-in may take")]
    TooCostly(String),
}

/// Counts how many values of a column can be verified, and why the others cannot.
#[derive(Clone, Debug, Default)]
pub struct HashTally {
    /// All values except `Unreadable::Empty`.
    pub all: u64,
    pub unreadable: BTreeMap<Unreadable, u64>,
}

impl HashTally {
    /// Counts a value, and returns its hash if it can be verified.
    pub fn see(&mut self, text: &str) -> Option<StoredHash> {
        let parsed = StoredHash::parse(text);
        match &parsed {
            Err(Unreadable::Empty) => return None,
            Err(problem) => *self.unreadable.entry(problem.clone()).or_default() += 1,
            Ok(_) => {}
        }
        self.all += 1;
        parsed.ok()
    }
}

impl StoredHash {
    /// Parses the formats of Waybill, Django, Werkzeug (Flask), passlib, better-auth and others.
    ///
    /// # Errors
    /// `Empty` without a password; `Unsupported` or `Unknown` for other formats; `TooCostly` if verifying would take
    /// more memory or time than a sign-in may.
    pub fn parse(text: &str) -> Result<Self, Unreadable> {
        let form = parse::form(text)?;
        work::refuse_too_costly(&form)?;
        Ok(Self { form })
    }

    /// Whether the password matches. Takes as long as the hash's cost parameters demand.
    #[must_use]
    pub fn verify(&self, password: &str) -> bool {
        match &self.form {
            Form::Argon2(text) => PasswordHash::new(text)
                .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok()),
            Form::Bcrypt { text, sha256_first: false } => bcrypt::verify(password, text).unwrap_or(false),
            Form::Bcrypt { text, sha256_first: true } => {
                bcrypt::verify(hex::encode(Sha256::digest(password)), text).unwrap_or(false)
            }
            Form::Scrypt(scrypt) => scrypt.verify(password),
            Form::Pbkdf2(pbkdf2) => pbkdf2.verify(password),
        }
    }

    /// Returns algorithm and cost parameters, such as `argon2id m=19456 t=2 p=1`. Hashes of one scheme take the same
    /// time.
    #[must_use]
    pub fn scheme(&self) -> String {
        work::scheme(&self.form)
    }
}

impl Scrypt {
    fn verify(&self, password: &str) -> bool {
        let normal: String;
        let password = if self.normalised {
            normal = password.nfkc().collect();
            &normal
        } else {
            password
        };
        let Ok(params) = scrypt::Params::new(self.log_n, self.r, self.p) else { return false };
        let mut found = vec![0; self.digest.len()];
        let made = scrypt::scrypt(password.as_bytes(), &self.salt, &params, &mut found).is_ok();
        made && bool::from(found.ct_eq(&self.digest))
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
        derive(password.as_bytes(), &self.salt, self.rounds, &mut found);
        bool::from(found.ct_eq(&self.digest))
    }
}
