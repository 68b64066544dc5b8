//! The key that a rotation has prepared: on disk beside the current one, with which it changes places by a rename.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::key_file::retire;
use super::{Error, PublicKey, Result, SigningKey};
use crate::server::support::atomic_file;
use crate::server::support::random::Random;

/// A new key, complete and on disk, that signs nothing yet.
///
/// It stays on disk until it is put in force: a rotation that was interrupted is finished with the same key, so that
/// whatever was recorded about it comes true.
#[derive(Debug)]
pub struct NextKey {
    key: SigningKey,
    /// Of the key in force.
    path: PathBuf,
    current: Option<PublicKey>,
}

impl NextKey {
    /// Returns the key that an interrupted rotation has left.
    ///
    /// # Errors
    /// As `SigningKey::read`.
    pub fn left_by_interruption(path: &Path) -> Result<Option<PublicKey>> {
        Ok(SigningKey::read(&next_path(path))?.map(|key| key.public_key()))
    }

    /// Keeps the current public key on file, and creates the next key, or takes up the one that was left.
    ///
    /// # Errors
    /// When a file cannot be read or written; the current key then stays in force.
    pub fn prepare(path: &Path, random: &dyn Random) -> Result<Self> {
        let current = SigningKey::read(path)?.map(|key| key.public_key());
        if let Some(current) = &current {
            retire(current, path)?;
        }
        let key = SigningKey::read_or_create(&next_path(path), random)?;
        Ok(Self { key, path: path.to_owned(), current })
    }

    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        self.key.public_key()
    }

    /// The key that is still in force; `None` if there is none yet.
    #[must_use]
    pub fn current(&self) -> Option<&PublicKey> {
        self.current.as_ref()
    }

    /// Signs with this key from now on.
    ///
    /// # Errors
    /// `NotCreated` when the file cannot be renamed; the key stays prepared.
    pub fn put_in_force(self) -> Result<SigningKey> {
        match fs::rename(next_path(&self.path), &self.path) {
            // Another process has taken up the same key and was faster.
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.is_in_force()? => {}
            result => result.map_err(|cause| self.not_created(cause))?,
        }
        // Without this, a power cut may undo the rename.
        let folder = File::open(atomic_file::folder_of(&self.path));
        folder.and_then(|folder| folder.sync_all()).map_err(|cause| self.not_created(cause))?;
        Ok(self.key)
    }

    fn is_in_force(&self) -> Result<bool> {
        Ok(SigningKey::read(&self.path)?.is_some_and(|key| key.public_key() == self.public_key()))
    }

    fn not_created(&self, cause: io::Error) -> Error {
        Error::NotCreated { path: self.path.clone(), cause }
    }
}

/// `signing-key.pem` -> `signing-key.next.pem`.
fn next_path(path: &Path) -> PathBuf {
    path.with_extension("next.pem")
}
