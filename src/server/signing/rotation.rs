//! The files of a rotation: the next key is on disk before it is in force, and a rename is all that is left to do.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::key_file::{create_private_folder, retire};
use super::{Error, PublicKey, Result, SigningKey};
use crate::server::support::atomic_file::{self, IfExists};
use crate::server::support::private_folder::{self, FileLock};
use crate::server::support::random::Random;

/// A rotation under way. No other one of the same key can begin until it is dropped.
#[derive(Debug)]
pub struct Rotation {
    /// Of the key in force.
    path: PathBuf,
    current: Option<PublicKey>,
    left: Option<SigningKey>,
    _lock: FileLock,
}

/// A new key, complete and on disk, that signs nothing yet. It stays there until it is put in force.
#[derive(Debug)]
pub struct NextKey {
    key: SigningKey,
    rotation: Rotation,
}

impl Rotation {
    /// Begins a rotation, unless another one is under way.
    ///
    /// # Errors
    /// `RotationRunning`; `NotCreated` or `Unreadable` when a file cannot be used; `ExposedNextKey`.
    pub fn begin(path: &Path) -> Result<Self> {
        create_private_folder(path)?;
        let lock = FileLock::try_lock(&path.with_extension("lock")).map_err(|error| match error {
            private_folder::Error::Locked => Error::RotationRunning(path.to_owned()),
            private_folder::Error::Io { path, cause } => Error::NotCreated { path, cause },
            private_folder::Error::NotOwned(path) => {
                Error::NotCreated { path, cause: io::ErrorKind::PermissionDenied.into() }
            }
        })?;
        let current = SigningKey::read(path)?.map(|key| key.public_key());
        let left = read_next(path)?;
        Ok(Self { path: path.to_owned(), current, left, _lock: lock })
    }

    /// The key that is still in force; `None` if there is none yet.
    #[must_use]
    pub fn current(&self) -> Option<&PublicKey> {
        self.current.as_ref()
    }

    /// The key that an interrupted rotation has left.
    #[must_use]
    pub fn left(&self) -> Option<PublicKey> {
        self.left.as_ref().map(SigningKey::public_key)
    }

    /// Goes on with the key that an interrupted rotation has left and recorded; creates a new one if there is none.
    ///
    /// # Errors
    /// As `with_new_key`.
    pub fn with_left_key(mut self, random: &dyn Random) -> Result<NextKey> {
        let Some(key) = self.left.take() else { return self.with_new_key(random) };
        self.retire_current()?;
        Ok(NextKey { key, rotation: self })
    }

    /// Creates the next key. One that was left is replaced: nobody knows what has become of it meanwhile.
    ///
    /// # Errors
    /// `NotCreated` or `Unreadable` when a file cannot be written or read; the current key stays in force.
    pub fn with_new_key(self, random: &dyn Random) -> Result<NextKey> {
        self.retire_current()?;
        let key = SigningKey::generate(random);
        key.write(&next_path(&self.path), IfExists::Replace)?;
        Ok(NextKey { key, rotation: self })
    }

    /// Keeps the current public key on file: files that it has signed stay known.
    fn retire_current(&self) -> Result<()> {
        self.current.as_ref().map_or(Ok(()), |current| retire(current, &self.path))
    }
}

impl NextKey {
    /// Returns the key that an interrupted rotation has left.
    ///
    /// # Errors
    /// As `SigningKey::read`; `ExposedNextKey`.
    pub fn left_by_interruption(path: &Path) -> Result<Option<PublicKey>> {
        Ok(read_next(path)?.map(|key| key.public_key()))
    }

    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        self.key.public_key()
    }

    /// Signs with this key from now on.
    ///
    /// # Errors
    /// `NotReplaced` when the file cannot be renamed: the old key stays in force. `NotDurable` when the new key is in
    /// force, but a power cut may bring the old one back.
    pub fn put_in_force(self) -> Result<SigningKey> {
        let path = self.rotation.path.clone();
        fs::rename(next_path(&path), &path).map_err(|cause| Error::NotReplaced { path: path.clone(), cause })?;
        let folder = File::open(atomic_file::folder_of(&path));
        folder.and_then(|folder| folder.sync_all()).map_err(|cause| Error::NotDurable { path, cause })?;
        Ok(self.key)
    }
}

fn read_next(path: &Path) -> Result<Option<SigningKey>> {
    SigningKey::read(&next_path(path)).map_err(|error| match error {
        Error::InsecurePermissions(path) => Error::ExposedNextKey(path),
        other => other,
    })
}

/// `signing-key.pem` -> `signing-key.next.pem`.
fn next_path(path: &Path) -> PathBuf {
    path.with_extension("next.pem")
}
