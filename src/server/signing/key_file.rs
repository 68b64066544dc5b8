//! The files of the signing key and of the public keys of its predecessors.

use std::fs::{DirBuilder, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey};

use super::{Error, PublicKey, PublicKeys, Result, SigningKey};
use crate::server::support::atomic_file::{self, IfExists};
use crate::server::support::private_folder::is_owned_by_process_user;
use crate::server::support::random::Random;

impl SigningKey {
    /// Reads the key, or creates one if there is none, with mode 0600.
    ///
    /// # Errors
    /// `Unreadable`; `NotCreated` when it cannot be created; `InvalidPrivateKey` when it is not an Ed25519 key; `InsecurePermissions` when its
    /// owner is neither ours nor root, its group can write it, or other users can access it.
    pub fn read_or_create(path: &Path, random: &dyn Random) -> Result<Self> {
        if let Some(key) = Self::read(path)? {
            return Ok(key);
        }
        match Self::generate(random).write(path, IfExists::Fail) {
            // Another process has created a key in the meantime: use that one.
            Err(Error::NotCreated { cause, .. }) if cause.kind() == io::ErrorKind::AlreadyExists => {}
            result => result?,
        }
        let missing = || Error::Unreadable { path: path.to_owned(), cause: io::ErrorKind::NotFound.into() };
        Self::read(path)?.ok_or_else(missing)
    }

    /// Reads the key, or returns `None` if there is no file.
    ///
    /// # Errors
    /// As `read_or_create`.
    pub fn read(path: &Path) -> Result<Option<Self>> {
        let unreadable = |cause| Error::Unreadable { path: path.to_owned(), cause };
        // Opening a named pipe must not block.
        let mut file = match OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(unreadable)?,
        };
        if !has_safe_permissions(&file.metadata().map_err(unreadable)?) {
            return Err(Error::InsecurePermissions(path.to_owned()));
        }
        let mut text = String::new();
        Read::by_ref(&mut file).take(1 << 16).read_to_string(&mut text).map_err(unreadable)?;
        let key =
            ed25519_dalek::SigningKey::from_pkcs8_pem(&text).map_err(|_| Error::InvalidPrivateKey(path.to_owned()))?;
        Ok(Some(Self(key)))
    }

    pub(super) fn generate(random: &dyn Random) -> Self {
        let mut secret = [0; 32];
        random.fill(&mut secret);
        Self(ed25519_dalek::SigningKey::from_bytes(&secret))
    }

    pub(super) fn write(&self, path: &Path, if_exists: IfExists) -> Result<()> {
        let pem = self.0.to_pkcs8_pem(LineEnding::LF);
        let pem =
            pem.map_err(|_| Error::NotCreated { path: path.to_owned(), cause: io::ErrorKind::InvalidData.into() })?;
        write_in_private_folder(path, &pem, if_exists)
    }
}

/// Writes a file atomically, with mode 0600; creates its folder for its owner only.
fn write_in_private_folder(path: &Path, content: &str, if_exists: IfExists) -> Result<()> {
    create_private_folder(path)?;
    let not_created = |cause| Error::NotCreated { path: path.to_owned(), cause };
    atomic_file::write(path, content.as_bytes(), if_exists).map_err(not_created)
}

/// Creates the folder of a file for its owner only; an existing one stays as it is.
pub(super) fn create_private_folder(path: &Path) -> Result<()> {
    let created = DirBuilder::new().recursive(true).mode(0o700).create(atomic_file::folder_of(path));
    created.map_err(|cause| Error::NotCreated { path: path.to_owned(), cause })
}

impl PublicKeys {
    /// Returns all keys that the installation with its signing key at `path` has ever had, the newest first; empty if
    /// it has none yet. The current key is on file among the retired ones, too, while a rotation is not finished.
    ///
    /// # Errors
    /// When one of the files cannot be read, holds something else, or is `InsecurePermissions`.
    pub fn of_installation(path: &Path) -> Result<Self> {
        let current = SigningKey::read(path)?.map(|key| key.public_key());
        let retired = read_retired(path)?.0.into_iter().rev().filter(|key| Some(key) != current.as_ref());
        Ok(Self(current.iter().cloned().chain(retired).collect()))
    }
}

/// Adds a public key to those of earlier signing keys, unless it is among them.
pub(super) fn retire(key: &PublicKey, path: &Path) -> Result<()> {
    let mut retired = read_retired(path)?.0;
    if retired.contains(key) {
        return Ok(());
    }
    retired.push(key.clone());
    let pem: String = retired.iter().map(PublicKey::to_pem).collect();
    write_in_private_folder(&retired_path(path), &pem, IfExists::Replace)
}

/// Reads the public keys of earlier signing keys, oldest first.
fn read_retired(path: &Path) -> Result<PublicKeys> {
    let path = retired_path(path);
    match path.metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(PublicKeys::default()),
        // A rotation would write a list without the keys that cannot be read.
        Err(cause) => Err(Error::Unreadable { path, cause }),
        Ok(there) if !has_safe_permissions(&there) => Err(Error::InsecurePermissions(path)),
        Ok(_) => PublicKeys::from_file(&path),
    }
}

/// Other users must not read a private key or write trusted keys. Root may own a key that is passed to a service.
fn has_safe_permissions(metadata: &Metadata) -> bool {
    (is_owned_by_process_user(metadata) || metadata.uid() == 0) && metadata.mode() & 0o027 == 0
}

/// `signing-key.pem` -> `signing-key.retired.pem`.
fn retired_path(path: &Path) -> PathBuf {
    path.with_extension("retired.pem")
}
