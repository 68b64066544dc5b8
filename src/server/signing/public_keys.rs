//! Trusted public keys, and checking a file's signature against them.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePublicKey, EncodePublicKey};
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest, Sha256};

use super::{Error, Result};
use crate::seal::UncheckedSignature;

/// Last line of a PEM block with a public key (RFC 7468).
const PEM_FOOTER: &str = "-----END PUBLIC KEY-----";

/// An Ed25519 public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

/// Result of checking a file's signature against trusted keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignatureStatus {
    /// Signed with a trusted key: the file is unaltered.
    Trusted(PublicKey),
    /// Signed with another key: anyone could have made the file.
    Untrusted(PublicKey),
    Unsigned,
    /// The signature is not valid for this file.
    Invalid,
}

impl From<VerifyingKey> for PublicKey {
    fn from(key: VerifyingKey) -> Self {
        Self(key)
    }
}

impl PublicKey {
    /// Returns the key's short name for people: the first 16 hexadecimal digits of its SHA-256.
    #[must_use]
    pub fn id(&self) -> String {
        hex::encode(&Sha256::digest(self.0.as_bytes())[..8])
    }

    #[must_use]
    pub fn to_base64(&self) -> String {
        BASE64.encode(self.0.as_bytes())
    }

    /// Returns the form that `openssl pkey -pubin` reads.
    #[must_use]
    pub fn to_pem(&self) -> String {
        self.0.to_public_key_pem(LineEnding::LF).unwrap_or_else(|_| unreachable!("32 bytes always have a PEM"))
    }

    fn from_base64(text: &str) -> Option<Self> {
        let bytes = BASE64.decode(text).ok()?;
        VerifyingKey::from_bytes(&bytes.try_into().ok()?).ok().map(Self)
    }

    /// Strict, so that no altered signature of the same message passes (malleability: RFC 8032, section 8.4).
    fn verifies(&self, signed: &UncheckedSignature) -> bool {
        let Ok(bytes) = BASE64.decode(&signed.signature.ed25519) else { return false };
        let signature = Signature::from_slice(&bytes);
        signature.is_ok_and(|signature| self.0.verify_strict(&signed.message, &signature).is_ok())
    }
}

/// A list of trusted keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublicKeys(pub Vec<PublicKey>);

impl PublicKeys {
    /// # Errors
    /// `Unreadable` when the file cannot be read, `InvalidPublicKey` when it is not one or more Ed25519 public keys.
    pub fn from_file(path: &Path) -> Result<Self> {
        let unreadable = |cause| Error::Unreadable { path: path.to_owned(), cause };
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        Self::from_pem(&text).filter(|keys| !keys.0.is_empty()).ok_or_else(|| Error::InvalidPublicKey(path.to_owned()))
    }

    /// Parses any number of consecutive PEM blocks; `None` if anything else is there, or a key that is not Ed25519.
    #[must_use]
    pub fn from_pem(text: &str) -> Option<Self> {
        let (blocks, rest) = text.rsplit_once(PEM_FOOTER).unwrap_or(("", text));
        if !rest.trim().is_empty() {
            return None;
        }
        let block =
            |block: &str| VerifyingKey::from_public_key_pem(&format!("{}{PEM_FOOTER}\n", block.trim_start())).ok();
        let blocks = blocks.split(PEM_FOOTER).filter(|block| !block.is_empty());
        Some(Self(blocks.map(|text| block(text).map(PublicKey)).collect::<Option<_>>()?))
    }

    #[must_use]
    pub fn check_signature(&self, signed: Option<&UncheckedSignature>) -> SignatureStatus {
        let Some(signed) = signed else { return SignatureStatus::Unsigned };
        match PublicKey::from_base64(&signed.signature.key).filter(|key| key.verifies(signed)) {
            Some(key) if self.0.contains(&key) => SignatureStatus::Trusted(key),
            Some(key) => SignatureStatus::Untrusted(key),
            None => SignatureStatus::Invalid,
        }
    }
}
