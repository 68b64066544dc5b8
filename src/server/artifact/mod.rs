//! Stores finished export files (artefacts): published atomically, removed when they expire.
//!
//! May import: `support`, `model`. Flow: `create` creates a private temporary file; `publish` syncs it and
//! renames it to its unguessable name; `open` serves it; `remove` and `sweep` delete files, and only our
//! own that follow our naming. Lock files beside the folder show which server works here, and which
//! command-line runs are alive.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::model::export::ExportId;
use crate::server::support::disk::BackgroundSync;
use crate::server::support::private_folder::{self, FileLock, PrivateFolder};

const TEMPORARY_SUFFIX: &str = ".part";

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the folder for finished files cannot be used")]
    Folder(#[source] io::Error),
    #[error(transparent)]
    OwnFolder(private_folder::Error),
    #[error(
        "another Waybill server already serves this database with this state: stop it first, or start this one with another --state"
    )]
    InUse,
    #[error("the file cannot be written")]
    Write(#[source] io::Error),
    #[error("the file no longer exists; export again")]
    NotFound(#[source] io::Error),
}

/// The folder (0700) of one source's artefacts (0600), outside of anything that is served by path.
#[derive(Clone, Debug)]
pub struct ArtifactStore {
    folder: PrivateFolder,
    /// The parent folder, common to all sources.
    parent: PrivateFolder,
    source_id: String,
}

/// Length of a name from `random::new_token`.
const NAME_LENGTH: usize = 64;

impl ArtifactStore {
    /// Opens or creates one source's folder inside the state's.
    ///
    /// # Errors
    /// `OwnFolder` when the path is not a folder of ours, or cannot be created.
    pub fn for_source(parent: PrivateFolder, source_id: String) -> Result<Self, Error> {
        let folder = PrivateFolder::open_or_create(parent.path().join(&source_id)).map_err(Error::OwnFolder)?;
        Ok(Self { folder, parent, source_id })
    }

    /// Makes this process the only server of this source and state while it holds the lock.
    ///
    /// # Errors
    /// `InUse` while another one holds it; `OwnFolder` when the lock file cannot be opened.
    pub fn lock_for_server(&self) -> Result<FileLock, Error> {
        self.parent.try_lock(&format!("{}.lock", self.source_id)).map_err(|error| match error {
            private_folder::Error::Locked => Error::InUse,
            error => Error::OwnFolder(error),
        })
    }

    /// Marks a command-line run as alive while the lock is held.
    ///
    /// # Errors
    /// `OwnFolder` when the lock cannot be taken.
    pub fn lock_command_line_run(&self, id: ExportId) -> Result<RunLock, Error> {
        let name = format!("{id}.run");
        let lock = self.parent.try_lock(&name).map_err(Error::OwnFolder)?;
        Ok(RunLock { folder: self.parent.clone(), name, _lock: lock })
    }

    /// Whether the process of a command-line run is still alive.
    #[must_use]
    pub fn is_running(&self, id: ExportId) -> bool {
        self.parent.is_locked(&format!("{id}.run"))
    }

    /// Removes the lock file of a run whose process was killed.
    ///
    /// # Errors
    /// `Write` when it exists and cannot be removed.
    pub fn remove_run_lock(&self, id: ExportId) -> Result<(), Error> {
        self.parent.remove_file(&format!("{id}.run")).map_err(Error::Write)
    }

    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Creates a file with a temporary name; dropping it without `publish` removes it.
    ///
    /// # Errors
    /// `Write` when it cannot be created.
    pub fn create(&self, name: String) -> Result<ArtifactWriter, Error> {
        let path = self.folder.path().join(format!("{name}{TEMPORARY_SUFFIX}"));
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(Error::Write)?;
        let sync = BackgroundSync::new(&file).map_err(Error::Write)?;
        Ok(ArtifactWriter { file, sync: Some(sync), path, name, published: false })
    }

    /// # Errors
    /// `NotFound` when there is no such artefact, or it cannot be opened.
    pub fn open(&self, name: &str) -> Result<File, Error> {
        if !is_artifact_name(name) {
            return Err(Error::NotFound(io::ErrorKind::NotFound.into()));
        }
        let path = self.folder.path().join(name);
        OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW).open(path).map_err(Error::NotFound)
    }

    /// Removes a file; a missing file is not an error.
    ///
    /// # Errors
    /// `Write` when it exists and cannot be removed.
    pub fn remove(&self, name: &str) -> Result<(), Error> {
        if is_artifact_or_temporary_name(name) { self.folder.remove_file(name).map_err(Error::Write) } else { Ok(()) }
    }

    /// Removes our files except those in `keep`: leftovers of killed processes and, in the parent folder, files
    /// of versions that had no folder per source.
    ///
    /// # Errors
    /// `Folder` when a folder cannot be read, `Write` when a file cannot be removed.
    pub fn sweep(&self, keep: &[String]) -> Result<(), Error> {
        for (folder, keep) in [(&self.folder, keep), (&self.parent, &[])] {
            for entry in std::fs::read_dir(folder.path()).map_err(Error::Folder)? {
                let name = entry.map_err(Error::Folder)?.file_name().to_string_lossy().into_owned();
                if is_artifact_or_temporary_name(&name) && !keep.contains(&name) {
                    folder.remove_file(&name).map_err(Error::Write)?;
                }
            }
        }
        Ok(())
    }
}

fn is_artifact_name(name: &str) -> bool {
    name.len() == NAME_LENGTH && name.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_artifact_or_temporary_name(name: &str) -> bool {
    is_artifact_name(name.strip_suffix(TEMPORARY_SUFFIX).unwrap_or(name))
}

/// A live command-line run: holds its lock, and removes the lock file when dropped.
#[derive(Debug)]
pub struct RunLock {
    folder: PrivateFolder,
    name: String,
    _lock: FileLock,
}

impl Drop for RunLock {
    fn drop(&mut self) {
        let _ = self.folder.remove_file(&self.name);
    }
}

/// A file that is not available under its final name yet.
#[derive(Debug)]
pub struct ArtifactWriter {
    file: File,
    /// `Some` until `publish`.
    sync: Option<BackgroundSync>,
    path: PathBuf,
    name: String,
    published: bool,
}

impl ArtifactWriter {
    /// Syncs the file, renames it to its final name and returns that name.
    ///
    /// # Errors
    /// `Write` when the file cannot be synced or renamed; it is then removed.
    pub fn publish(mut self) -> Result<String, Error> {
        self.sync.take().map_or(Ok(()), BackgroundSync::finish).map_err(Error::Write)?;
        let target = self.path.with_file_name(&self.name);
        std::fs::rename(&self.path, &target).map_err(Error::Write)?;
        self.path = target;
        let folder = self.path.parent().unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::Write)?;
        self.published = true;
        Ok(std::mem::take(&mut self.name))
    }
}

impl Write for ArtifactWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        if let Some(sync) = &mut self.sync {
            sync.record_written(written);
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for ArtifactWriter {
    fn drop(&mut self) {
        if !self.published {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
