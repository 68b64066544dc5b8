//! Signatures of files (Ed25519, RFC 8032): the installation's signing key and the public keys to trust.
//!
//! May import: `support`, `seal`, `model`. Flow: `SigningKey` signs the seal when a file is finished; `PublicKeys`
//! checks the signature found in a file and whether its key is trusted. A `Rotation` prepares the `NextKey` and puts it in
//! force. Keys are stored as `openssl` writes them: PKCS #8 and `SubjectPublicKeyInfo` in PEM (RFC 8410).

mod key_file;
mod public_keys;
mod rotation;

use std::io;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::Signer;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::model::manifest::Signature;
use crate::seal::SealSigner;

pub use public_keys::{PublicKey, PublicKeys, SignatureStatus};
pub use rotation::{NextKey, Rotation};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the key {} cannot be read: {cause}", path.display())]
    Unreadable { path: PathBuf, cause: io::Error },
    #[error("the signing key {} cannot be created: {cause}; choose another path with --signing-key", path.display())]
    NotCreated { path: PathBuf, cause: io::Error },
    #[error(
        "{} can be read or written by others, or belongs to another user: run `chmod 600` on it, and `waybill key rotate` if anyone else may have used it",
        .0.display()
    )]
    InsecurePermissions(PathBuf),
    #[error(
        "{} was left by an interrupted rotation and can be read or written by others, or belongs to another user: delete it, then run `waybill key rotate`",
        .0.display()
    )]
    ExposedNextKey(PathBuf),
    #[error("another rotation of the key {} is running: wait until it has ended", .0.display())]
    RotationRunning(PathBuf),
    #[error("the file of the next key cannot take the place of {}: {cause}", path.display())]
    NotReplaced { path: PathBuf, cause: io::Error },
    #[error("the new key {} is in force, but not safe from a power cut: {cause}", path.display())]
    NotDurable { path: PathBuf, cause: io::Error },
    #[error("{} is not an Ed25519 private key in PEM format; `openssl genpkey -algorithm ed25519` creates one", .0.display())]
    InvalidPrivateKey(PathBuf),
    #[error("{} must hold only Ed25519 public keys in PEM format, as `waybill key export` prints them", .0.display())]
    InvalidPublicKey(PathBuf),
}

pub type Result<T> = std::result::Result<T, Error>;

/// The installation's private key.
///
/// ```
/// use waybill::seal::SealSigner;
/// use waybill::server::signing::{PublicKeys, SigningKey};
/// use waybill::server::support::random::SystemRandom;
///
/// let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("signing-key.pem");
/// let key = SigningKey::read_or_create(&path, &SystemRandom).unwrap();
/// assert_eq!(key.sign(b"message").key, key.public_key().to_base64());
/// assert_eq!(PublicKeys::of_installation(&path).unwrap().0[0].id(), key.public_key().id());
/// ```
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        PublicKey::from(self.0.verifying_key())
    }

    /// Returns a digest that identifies a name, ignoring case, and cannot be reversed without the key: 16 hexadecimal
    /// digits of HMAC-SHA256 (RFC 2104).
    #[must_use]
    pub fn keyed_digest(&self, name: &str) -> String {
        let key = Hmac::<Sha256>::new_from_slice(&self.0.to_bytes());
        let mut mac = key.unwrap_or_else(|_| unreachable!("any length of key will do"));
        mac.update(b"waybill name\n");
        mac.update(name.to_lowercase().as_bytes());
        hex::encode(&mac.finalize().into_bytes()[..8])
    }
}

impl SigningKey {
    /// Returns an authentication code that cannot be forged without the key: 32 hexadecimal digits of HMAC-SHA256 over
    /// purpose and fields, each prefixed with its length.
    #[must_use]
    pub fn authentication_code(&self, purpose: &str, fields: &[&str]) -> String {
        let key = Hmac::<Sha256>::new_from_slice(&self.0.to_bytes());
        let mut mac = key.unwrap_or_else(|_| unreachable!("any length of key will do"));
        mac.update(b"waybill mark\n");
        for field in std::iter::once(&purpose).chain(fields) {
            mac.update(&(field.len() as u64).to_be_bytes());
            mac.update(field.as_bytes());
        }
        hex::encode(&mac.finalize().into_bytes()[..16])
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({})", self.public_key().id())
    }
}

impl SealSigner for SigningKey {
    fn sign(&self, message: &[u8]) -> Signature {
        let signature = self.0.sign(message);
        Signature { key: self.public_key().to_base64(), ed25519: BASE64.encode(signature.to_bytes()) }
    }
}
