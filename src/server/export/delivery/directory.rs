//! Delivery to a new folder, which appears under its name only when it is complete.

use std::fs::File;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::super::write::output_error_for;
use super::super::{Error, Result};
use super::{Delivered, temporary_files};

/// A temporary folder beside its final place, removed when dropped.
pub struct DirectoryDelivery {
    folder: TempDir,
    /// Held so that the cleanup of other runs knows that this one is alive.
    _lock: File,
    path: PathBuf,
}

impl DirectoryDelivery {
    /// # Errors
    /// `Output` if `parent` cannot be created or written, or the folder exists.
    pub fn open(parent: &Path, name: &str) -> Result<Self> {
        let path = parent.join(name);
        if path.symlink_metadata().is_ok() {
            return Err(Error::Output(format!("{} exists; choose another folder, or try again", path.display())));
        }
        std::fs::create_dir_all(parent).map_err(|error| output_error_for(parent, &error))?;
        temporary_files::remove_stale(parent);
        let (folder, lock) =
            temporary_files::create_folder(parent).map_err(|error| output_error_for(parent, &error))?;
        Ok(Self { folder, _lock: lock, path })
    }

    /// The folder to write into.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Gives the folder its name. Its files are synced.
    ///
    /// # Errors
    /// `Output` if it cannot be renamed.
    pub fn finish(self) -> Result<Delivered> {
        let Self { folder, path, .. } = self;
        let rename = || {
            File::open(folder.path())?.sync_all()?;
            // Fails on a folder that is not empty, and on a file; an empty folder of this name holds nothing to lose.
            std::fs::rename(folder.path(), &path)?;
            File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
        };
        rename().map_err(|error| output_error_for(&path, &error))?;
        // It is not there any more under its temporary name.
        let _ = folder.keep();
        Ok(Delivered::File(path))
    }
}
