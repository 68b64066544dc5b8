//! A folder of our own: nothing in it is touched that is not ours, and locks in it end with their process.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{} belongs to somebody else, or is a link: give Waybill another --state", .0.display())]
    NotOurs(PathBuf),
    /// A living process holds the lock.
    #[error("it is in use")]
    InUse,
    #[error("the folder {} cannot be used: {cause}", path.display())]
    Unusable {
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
}

/// A folder that nobody else could have put there.
#[derive(Clone, Debug)]
pub struct OwnFolder(PathBuf);

/// Held for as long as its owner lives: the system lets go of it when a process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl OwnFolder {
    /// Makes the folder, for its owner only, where it is missing. One that is there is used as it is, if it is
    /// ours and no link.
    ///
    /// # Errors
    /// `NotOurs`, or `Unusable` when it cannot be made.
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

    /// Takes the lock of that name.
    ///
    /// # Errors
    /// `InUse` while somebody holds it, `Unusable` when its file cannot be made.
    pub fn lock(&self, name: &str) -> Result<Lock, Error> {
        let (file, path) = self.lock_file(name)?;
        match file.try_lock() {
            Ok(()) => Ok(Lock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(Error::InUse),
            Err(TryLockError::Error(cause)) => Err(Error::Unusable { path, cause }),
        }
    }

    /// The same, waiting until it is free. Blocks.
    ///
    /// # Errors
    /// `Unusable` when its file cannot be made.
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

    /// Whether a living process holds the lock of that name.
    #[must_use]
    pub fn is_locked(&self, name: &str) -> bool {
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
        let file = options.open(self.0.join(name));
        file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// Removes a plain file of ours; anything else of that name stays, and one that is gone already is fine.
    ///
    /// # Errors
    /// When it is there and cannot be removed.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        let path = self.0.join(name);
        match path.symlink_metadata() {
            Ok(there) if there.is_file() && is_own(&there) => std::fs::remove_file(path),
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Whether a file is this process's user's.
#[must_use]
pub fn is_own(file: &std::fs::Metadata) -> bool {
    file.uid() == rustix::process::geteuid().as_raw()
}
