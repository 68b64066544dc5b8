//! Finished files: they appear whole or not at all, and go when their time is over.
//!
//! May import: `support`, `model`. Flow: `begin` gives a private temporary file; `publish` syncs and
//! renames it to its unguessable name; `open` serves it; `remove` and `sweep` clear up.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::server::support::disk::EarlySync;

const UNFINISHED: &str = ".part";

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the folder for finished files cannot be used")]
    Folder(#[source] io::Error),
    #[error("the file cannot be written")]
    Write(#[source] io::Error),
    #[error("the file is no longer there")]
    Gone(#[source] io::Error),
}

/// The folder (0700) where artefacts lie (0600), apart from anything that is served by path.
#[derive(Clone, Debug)]
pub struct Artifacts {
    folder: PathBuf,
}

impl Artifacts {
    /// # Errors
    /// When the folder cannot be made private.
    pub fn in_folder(folder: PathBuf) -> Result<Self, Error> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(Error::Folder)?;
        std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o700)).map_err(Error::Folder)?;
        Ok(Self { folder })
    }

    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A new file under a temporary name; dropped without `publish` it is removed.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn begin(&self, name: String) -> Result<Unpublished, Error> {
        let path = self.folder.join(format!("{name}{UNFINISHED}"));
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(Error::Write)?;
        let sync = EarlySync::of(&file).map_err(Error::Write)?;
        Ok(Unpublished { file, sync: Some(sync), path, name, published: false })
    }

    /// # Errors
    /// When it is gone.
    pub fn open(&self, name: &str) -> Result<File, Error> {
        let safe = !name.is_empty() && name.bytes().all(|b| b.is_ascii_hexdigit());
        let path = if safe { self.folder.join(name) } else { return Err(Error::Gone(io::ErrorKind::NotFound.into())) };
        OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW).open(path).map_err(Error::Gone)
    }

    /// Removes a file; one that is gone already is fine.
    ///
    /// # Errors
    /// When it is there and stays.
    pub fn remove(&self, name: &str) -> Result<(), Error> {
        match std::fs::remove_file(self.folder.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::Write(error)),
            _ => Ok(()),
        }
    }

    /// Removes everything but the files named: what a killed process left behind.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn sweep(&self, keep: &[String]) -> Result<(), Error> {
        for entry in std::fs::read_dir(&self.folder).map_err(Error::Folder)? {
            let name = entry.map_err(Error::Folder)?.file_name().to_string_lossy().into_owned();
            if !keep.contains(&name) {
                self.remove(&name)?;
            }
        }
        Ok(())
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
