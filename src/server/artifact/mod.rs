//! Finished files: they appear whole or not at all, and go when their time is over.
//!
//! May import: `support`, `model`. Flow: `begin` gives a private temporary file; `publish` syncs and
//! renames it to its unguessable name; `open` serves it; `remove` and `sweep` clear up, and touch nothing
//! but files of our own that are named as we name them. Locks beside the folder say which server works
//! here, and which runs of the command line still live.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::model::export::ExportId;
use crate::server::support::disk::EarlySync;
use crate::server::support::own_folder::{self, Lock, OwnFolder};

const UNFINISHED: &str = ".part";

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the folder for finished files cannot be used")]
    Folder(#[source] io::Error),
    #[error(transparent)]
    Own(own_folder::Error),
    #[error(
        "another Waybill server serves this database from this state already: stop it first, or give this one another --state"
    )]
    InUse,
    #[error("the file cannot be written")]
    Write(#[source] io::Error),
    #[error("the file is no longer there")]
    Gone(#[source] io::Error),
}

/// The folder (0700) where one source's artefacts lie (0600), apart from anything that is served by path.
#[derive(Clone, Debug)]
pub struct Artifacts {
    folder: OwnFolder,
    /// The folder of all sources.
    above: OwnFolder,
    source_id: String,
}

/// The length of a name that `random::token` makes.
const NAME_LENGTH: usize = 64;

impl Artifacts {
    /// One source's folder inside that of the state.
    ///
    /// # Errors
    /// When something else lies there.
    pub fn in_folder(above: OwnFolder, source_id: String) -> Result<Self, Error> {
        let folder = OwnFolder::at(above.path().join(&source_id)).map_err(Error::Own)?;
        Ok(Self { folder, above, source_id })
    }

    /// Makes this process the only server of this source and state, for as long as it keeps the lock.
    ///
    /// # Errors
    /// `InUse` while another one is.
    pub fn serve(&self) -> Result<Lock, Error> {
        self.above.lock(&format!("{}.lock", self.source_id)).map_err(|error| match error {
            own_folder::Error::InUse => Error::InUse,
            error => Error::Own(error),
        })
    }

    /// Says that a run of the command line lives, for as long as it keeps the lock.
    ///
    /// # Errors
    /// When the lock's file cannot be made.
    pub fn mark_running(&self, id: ExportId) -> Result<Running, Error> {
        let name = format!("{id}.run");
        let lock = self.above.lock(&name).map_err(Error::Own)?;
        Ok(Running { folder: self.above.clone(), name, _lock: lock })
    }

    /// Whether the process of a run of the command line still lives.
    #[must_use]
    pub fn is_running(&self, id: ExportId) -> bool {
        self.above.is_locked(&format!("{id}.run"))
    }

    /// Removes what is left of a run whose process was killed.
    ///
    /// # Errors
    /// When it is there and stays.
    pub fn forget_running(&self, id: ExportId) -> Result<(), Error> {
        self.above.remove(&format!("{id}.run")).map_err(Error::Write)
    }

    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A new file under a temporary name; dropped without `publish` it is removed.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn begin(&self, name: String) -> Result<Unpublished, Error> {
        let path = self.folder.path().join(format!("{name}{UNFINISHED}"));
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(Error::Write)?;
        let sync = EarlySync::of(&file).map_err(Error::Write)?;
        Ok(Unpublished { file, sync: Some(sync), path, name, published: false })
    }

    /// # Errors
    /// When it is gone.
    pub fn open(&self, name: &str) -> Result<File, Error> {
        if !is_finished(name) {
            return Err(Error::Gone(io::ErrorKind::NotFound.into()));
        }
        let path = self.folder.path().join(name);
        OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW).open(path).map_err(Error::Gone)
    }

    /// Removes a file; one that is gone already is fine.
    ///
    /// # Errors
    /// When it is there and stays.
    pub fn remove(&self, name: &str) -> Result<(), Error> {
        if is_ours(name) { self.folder.remove(name).map_err(Error::Write) } else { Ok(()) }
    }

    /// Removes our files but for those named: what a killed process left behind, and, beside the folders of
    /// the sources, what was there before sources were told apart.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn sweep(&self, keep: &[String]) -> Result<(), Error> {
        for (folder, keep) in [(&self.folder, keep), (&self.above, &[])] {
            for entry in std::fs::read_dir(folder.path()).map_err(Error::Folder)? {
                let name = entry.map_err(Error::Folder)?.file_name().to_string_lossy().into_owned();
                if is_ours(&name) && !keep.contains(&name) {
                    folder.remove(&name).map_err(Error::Write)?;
                }
            }
        }
        Ok(())
    }
}

fn is_finished(name: &str) -> bool {
    name.len() == NAME_LENGTH && name.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_ours(name: &str) -> bool {
    is_finished(name.strip_suffix(UNFINISHED).unwrap_or(name))
}

/// A run of the command line while it lives.
#[derive(Debug)]
pub struct Running {
    folder: OwnFolder,
    name: String,
    _lock: Lock,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.folder.remove(&self.name);
    }
}

/// A file that nobody can open by its name yet.
#[derive(Debug)]
pub struct Unpublished {
    file: File,
    /// There until `publish`.
    sync: Option<EarlySync>,
    path: PathBuf,
    name: String,
    published: bool,
}

impl Unpublished {
    /// Makes the file durable and then visible under its name.
    ///
    /// # Errors
    /// When the disk does not confirm it; then nothing is visible.
    pub fn publish(mut self) -> Result<String, Error> {
        self.sync.take().map_or(Ok(()), EarlySync::finish).map_err(Error::Write)?;
        let target = self.path.with_file_name(&self.name);
        std::fs::rename(&self.path, &target).map_err(Error::Write)?;
        self.path = target;
        let folder = self.path.parent().unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::Write)?;
        self.published = true;
        Ok(std::mem::take(&mut self.name))
    }
}

impl Write for Unpublished {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        if let Some(sync) = &mut self.sync {
            sync.wrote(written);
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Unpublished {
    fn drop(&mut self) {
        if !self.published {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
