//! The formats of stored hashes, and how a password is verified against each.

use argon2::Argon2;
use argon2::password_hash::PasswordVerifier;
use argon2::password_hash::phc::PasswordHash;
use pbkdf2::pbkdf2_hmac;
use sha2::{Digest, Sha256, Sha512};
use subtle::ConstantTimeEq;
use unicode_normalization::UnicodeNormalization;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HashFormat {
    /// A PHC string (<https://github.com/P-H-C/phc-string-format>).
    Argon2(String),
    /// `is_sha256_prehashed` is Django's `bcrypt_sha256`, which takes passwords of any length.
    Bcrypt {
        text: String,
        /// The logarithm of the number of rounds.
        cost: u32,
        is_sha256_prehashed: bool,
    },
    Scrypt(Scrypt),
    Pbkdf2(Pbkdf2),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scrypt {
    pub log_n: u8,
    pub r: u32,
    pub p: u32,
    pub salt: Vec<u8>,
    pub digest: Vec<u8>,
    /// better-auth normalises passwords to NFKC (Unicode Standard Annex 15).
    pub is_nfkc_normalised: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pbkdf2 {
    pub prf: Prf,
    pub iterations: u32,
    pub salt: Vec<u8>,
    pub digest: Vec<u8>,
}

/// The hash function of the HMAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prf {
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

impl HashFormat {
    pub fn verify(&self, password: &str) -> bool {
        match self {
            Self::Argon2(text) => PasswordHash::new(text)
                .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok()),
            Self::Bcrypt { text, is_sha256_prehashed: false, .. } => bcrypt::verify(password, text).unwrap_or(false),
            Self::Bcrypt { text, is_sha256_prehashed: true, .. } => {
                bcrypt::verify(hex::encode(Sha256::digest(password)), text).unwrap_or(false)
            }
            Self::Scrypt(scrypt) => scrypt.verify(password),
            Self::Pbkdf2(pbkdf2) => pbkdf2.verify(password),
        }
    }
}

impl Scrypt {
    fn verify(&self, password: &str) -> bool {
        self.derive(password).is_some_and(|derived| bool::from(derived.ct_eq(&self.digest)))
    }

    /// The digest of a password, as long as the stored one. `None` for parameters that scrypt does not take.
    pub fn derive(&self, password: &str) -> Option<Vec<u8>> {
        let normalised_password: String;
        let password = if self.is_nfkc_normalised {
            normalised_password = password.nfkc().collect();
            &normalised_password
        } else {
            password
        };
        let params = scrypt::Params::new(self.log_n, self.r, self.p).ok()?;
        let mut derived = vec![0; self.digest.len()];
        scrypt::scrypt(password.as_bytes(), &self.salt, &params, &mut derived).ok()?;
        Some(derived)
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
