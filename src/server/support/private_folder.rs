//! A private folder: only files of this process's user are touched, and locks in it end with their process.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{} belongs to another user or is a symbolic link; choose another path with --state", .0.display())]
    NotOwned(PathBuf),
    /// A running process holds the lock.
    #[error("it is in use by another process")]
    Locked,
    #[error("cannot use the folder {}: {cause}", path.display())]
    Io {
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
}

/// A folder that belongs to this process's user and is not a symbolic link.
#[derive(Clone, Debug)]
pub struct PrivateFolder(PathBuf);

/// A file lock, held until dropped. The kernel releases it when the process ends, however it ends.
#[derive(Debug)]
pub struct FileLock {
    _file: File,
}

impl FileLock {
    /// Takes the lock that this file is, without waiting. The file is created if it is missing.
    ///
    /// # Errors
    /// `Locked` while it is held; `Io` if the file cannot be created or locked.
    pub fn try_lock(path: &Path) -> Result<Self, Error> {
        let file = open_lock_file(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(Error::Locked),
            Err(TryLockError::Error(cause)) => Err(Error::Io { path: path.to_owned(), cause }),
        }
    }
}

fn open_lock_file(path: &Path) -> Result<File, Error> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    options.open(path).map_err(|cause| Error::Io { path: path.to_owned(), cause })
}

impl PrivateFolder {
    /// Opens the folder, or creates it for its owner only. An existing folder is used as it is, if it belongs to this
    /// user and is not a symbolic link.
    ///
    /// # Errors
    /// `NotOwned` for any other file or owner; `Io` if the folder cannot be created or read.
    pub fn open_or_create(path: PathBuf) -> Result<Self, Error> {
        match DirBuilder::new().recursive(true).mode(0o700).create(&path) {
            Err(cause) if cause.kind() != io::ErrorKind::AlreadyExists => return Err(Error::Io { path, cause }),
            _ => {}
        }
        match path.symlink_metadata() {
            Ok(metadata) if metadata.is_dir() && is_owned_by_process_user(&metadata) => Ok(Self(path)),
            Ok(_) => Err(Error::NotOwned(path)),
            Err(cause) => Err(Error::Io { path, cause }),
        }
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Takes the lock of this name without waiting.
    ///
    /// # Errors
    /// `Locked` while it is held; `Io` if its file cannot be created or locked.
    pub fn try_lock(&self, name: &str) -> Result<FileLock, Error> {
        FileLock::try_lock(&self.0.join(name))
    }

    /// Takes the lock of this name, waiting until it is free. Blocks.
    ///
    /// # Errors
    /// `Io` if its file cannot be created or locked.
    pub fn lock(&self, name: &str) -> Result<FileLock, Error> {
        let path = self.0.join(name);
        let file = open_lock_file(&path)?;
        match file.lock() {
            Ok(()) => Ok(FileLock { _file: file }),
            Err(cause) => Err(Error::Io { path, cause }),
        }
    }

    /// Whether no process holds the lock of this name. A lock that cannot be looked at counts as held.
    #[must_use]
    pub fn is_free(&self, name: &str) -> bool {
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
        match options.open(self.0.join(name)) {
            Ok(file) => file.try_lock_shared().is_ok(),
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        }
    }

    /// Names of the files in the folder that were last changed longer ago than this.
    ///
    /// # Errors
    /// `Io` if the folder cannot be read.
    pub fn names_older_than(&self, age: Duration) -> Result<Vec<String>, Error> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.0).map_err(|cause| self.error(cause))? {
            let entry = entry.map_err(|cause| self.error(cause))?;
            // A file that is removed meanwhile is of no interest.
            let changed = entry.metadata().and_then(|file| file.modified());
            if changed.is_ok_and(|changed| changed.elapsed().is_ok_and(|elapsed| elapsed > age)) {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        Ok(names)
    }

    /// The error for a failed use of this folder.
    #[must_use]
    pub fn error(&self, cause: io::Error) -> Error {
        Error::Io { path: self.0.clone(), cause }
    }

    /// Removes a regular file of this user. Anything else of this name is kept; a missing file is no error.
    ///
    /// # Errors
    /// If the file exists and cannot be inspected or removed.
    pub fn remove_file(&self, name: &str) -> io::Result<()> {
        let path = self.0.join(name);
        match path.symlink_metadata() {
            Ok(metadata) if metadata.is_file() && is_owned_by_process_user(&metadata) => std::fs::remove_file(path),
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Creates a folder that only its owner can enter; an existing one is left unchanged.
///
/// # Errors
/// If it cannot be created.
pub fn create_private_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Whether a file belongs to the effective user of this process.
#[must_use]
pub fn is_owned_by_process_user(file: &std::fs::Metadata) -> bool {
    file.uid() == rustix::process::geteuid().as_raw()
}

/// Whether a file or folder belongs to the effective user of this process, and nobody else has any right to it.
#[must_use]
pub fn is_private_to_process_user(file: &std::fs::Metadata) -> bool {
    // The rights of group and others are the last six bits.
    is_owned_by_process_user(file) && file.mode().trailing_zeros() >= 6
}
