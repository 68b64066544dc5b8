//! A private folder: only files of this process's user are touched, and locks in it end with their process.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{} belongs to somebody else, or is a link: give Waybill another --state", .0.display())]
    NotOurs(PathBuf),
    /// A running process holds the lock.
    #[error("it is in use")]
    InUse,
    #[error("the folder {} cannot be used: {cause}", path.display())]
    Unusable {
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
}

/// A folder that belongs to this process's user and is not a symbolic link.
#[derive(Clone, Debug)]
pub struct OwnFolder(PathBuf);

/// A file lock, held until dropped. The kernel releases it when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl OwnFolder {
    /// Opens the folder, or creates it for its owner only. An existing folder is used as it is, if it belongs to this
    /// user and is not a symbolic link.
    ///
    /// # Errors
    /// `NotOurs` for any other file or owner; `Unusable` if the folder cannot be created or read.
    pub fn at(path: PathBuf) -> Result<Self, Error> {
        match DirBuilder::new().recursive(true).mode(0o700).create(&path) {
            Err(cause) if cause.kind() != io::ErrorKind::AlreadyExists => return Err(Error::Unusable { path, cause }),
            _ => {}
        }
        match path.symlink_metadata() {
            Ok(there) if there.is_dir() && is_own(&there) => Ok(Self(path)),
            Ok(_) => Err(Error::NotOurs(path)),
            Err(cause) => Err(Error::Unusable { path, cause }),
        }
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Takes the lock of this name without waiting.
    ///
    /// # Errors
    /// `InUse` while it is held; `Unusable` if its file cannot be created or locked.
    pub fn lock(&self, name: &str) -> Result<Lock, Error> {
        let (file, path) = self.lock_file(name)?;
        match file.try_lock() {
            Ok(()) => Ok(Lock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(Error::InUse),
            Err(TryLockError::Error(cause)) => Err(Error::Unusable { path, cause }),
        }
    }

    /// Takes the lock of this name, waiting until it is free. Blocks.
    ///
    /// # Errors
    /// `Unusable` if its file cannot be created or locked.
    pub fn wait_for_lock(&self, name: &str) -> Result<Lock, Error> {
        let (file, path) = self.lock_file(name)?;
        match file.lock() {
            Ok(()) => Ok(Lock { _file: file }),
            Err(cause) => Err(Error::Unusable { path, cause }),
        }
    }

    fn lock_file(&self, name: &str) -> Result<(File, PathBuf), Error> {
        let path = self.0.join(name);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
        match options.open(&path) {
            Ok(file) => Ok((file, path)),
            Err(cause) => Err(Error::Unusable { path, cause }),
        }
    }

    /// Whether a running process holds the lock of this name.
    #[must_use]
    pub fn is_locked(&self, name: &str) -> bool {
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
        let file = options.open(self.0.join(name));
        file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// Removes a regular file of this user. Anything else of this name is kept; a missing file is no error.
    ///
    /// # Errors
    /// If the file exists and cannot be inspected or removed.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        let path = self.0.join(name);
        match path.symlink_metadata() {
            Ok(there) if there.is_file() && is_own(&there) => std::fs::remove_file(path),
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Whether a file belongs to the effective user of this process.
#[must_use]
pub fn is_own(file: &std::fs::Metadata) -> bool {
    file.uid() == rustix::process::geteuid().as_raw()
}
