//! Public keys that somebody trusts, and what they say of a file.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePublicKey, EncodePublicKey};
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest, Sha256};

use super::{Error, Result};
use crate::seal::Signed;

/// How a PEM block with a public key ends (RFC 7468).
const END: &str = "-----END PUBLIC KEY-----";

/// A key that signatures can be checked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

/// What a file's signature is worth to whoever trusts certain keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Signed with a key that is trusted: the file is unaltered.
    Trusted(PublicKey),
    /// Signed with another key: anybody could have made it.
    Untrusted(PublicKey),
    Unsigned,
    /// It is not a signature of this file.
    Broken,
}

impl From<VerifyingKey> for PublicKey {
    fn from(key: VerifyingKey) -> Self {
        Self(key)
    }
}

impl PublicKey {
    /// What people call it: the first 16 hexadecimal digits of its SHA-256.
    #[must_use]
    pub fn id(&self) -> String {
        hex::encode(&Sha256::digest(self.0.as_bytes())[..8])
    }

    #[must_use]
    pub fn to_base64(&self) -> String {
        BASE64.encode(self.0.as_bytes())
    }

    /// As `openssl pkey -pubin` reads it.
    #[must_use]
    pub fn to_pem(&self) -> String {
        self.0.to_public_key_pem(LineEnding::LF).unwrap_or_else(|_| unreachable!("32 bytes always have a PEM"))
    }

    fn from_base64(text: &str) -> Option<Self> {
        let bytes = BASE64.decode(text).ok()?;
        VerifyingKey::from_bytes(&bytes.try_into().ok()?).ok().map(Self)
    }

    /// Strict, so that no second signature of the same message passes (RFC 8032, 8.4).
    fn has_signed(&self, signed: &Signed) -> bool {
        let bytes = BASE64.decode(&signed.signature.ed25519).unwrap_or_default();
        let signature = Signature::from_slice(&bytes);
        signature.is_ok_and(|signature| self.0.verify_strict(&signed.message, &signature).is_ok())
    }
}

/// Keys that somebody trusts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublicKeys(pub Vec<PublicKey>);

impl PublicKeys {
    /// # Errors
    /// When the file cannot be read or holds none.
    pub fn from_file(path: &Path) -> Result<Self> {
        let unreadable = |cause| Error::Unreadable { path: path.to_owned(), cause };
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        Self::from_pem(&text).filter(|keys| !keys.0.is_empty()).ok_or_else(|| Error::NoPublicKey(path.to_owned()))
    }

    /// Any number of PEM blocks, one after the other. None where one of them is no Ed25519 key.
    #[must_use]
    pub fn from_pem(text: &str) -> Option<Self> {
        let (blocks, rest) = text.rsplit_once(END).unwrap_or(("", text));
        if !rest.trim().is_empty() {
            return None;
        }
        let block = |block: &str| VerifyingKey::from_public_key_pem(&format!("{}{END}\n", block.trim_start())).ok();
        let blocks = blocks.split(END).filter(|block| !block.is_empty());
        Some(Self(blocks.map(|text| block(text).map(PublicKey)).collect::<Option<_>>()?))
    }

    #[must_use]
    pub fn judge(&self, signed: Option<&Signed>) -> Trust {
        let Some(signed) = signed else { return Trust::Unsigned };
        match PublicKey::from_base64(&signed.signature.key).filter(|key| key.has_signed(signed)) {
            Some(key) if self.0.contains(&key) => Trust::Trusted(key),
            Some(key) => Trust::Untrusted(key),
            None => Trust::Broken,
        }
    }
}
