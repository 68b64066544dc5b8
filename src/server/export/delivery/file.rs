//! Delivery to a file, a pipe or standard output.

use std::io::{self, Write};
use std::path::PathBuf;

use tempfile::NamedTempFile;

use super::super::write::output_error_for;
use super::super::{Error, Result};
use super::{Delivered, Delivery, Destination, temporary_files};
use crate::server::support::atomic_file::{self, IfExists};
use crate::server::support::disk::BackgroundSync;

/// An opened destination.
pub enum FileDelivery {
    StandardOutput(io::Stdout),
    /// A pipe or a device: written directly, nothing to rename.
    Special(std::fs::File),
    File {
        file: NamedTempFile,
        sync: BackgroundSync,
        path: PathBuf,
        replace: bool,
    },
}

impl FileDelivery {
    /// # Errors
    /// `Output` if the destination exists or cannot be opened.
    pub fn open(destination: Destination, name: &str) -> Result<Self> {
        let (path, replace) = match destination {
            Destination::StandardOutput => return Ok(Self::StandardOutput(io::stdout())),
            Destination::File { path, replace } => (path, replace),
            Destination::Folder { path, replace } => (path.join(name), replace),
        };
        let existing = path.metadata().ok();
        if existing.as_ref().is_some_and(|there| !there.is_file() && !there.is_dir()) {
            let special = std::fs::OpenOptions::new().write(true).open(&path);
            return special.map(Self::Special).map_err(|error| output_error_for(&path, &error));
        }
        if !replace && path.symlink_metadata().is_ok() {
            return Err(Error::Output(format!("{} exists; choose another name or add --force", path.display())));
        }
        let folder = atomic_file::folder_of(&path);
        temporary_files::remove_stale(folder);
        let file = temporary_files::create(folder).map_err(|error| output_error_for(&path, &error))?;
        let sync = BackgroundSync::new(file.as_file()).map_err(|error| output_error_for(&path, &error))?;
        Ok(Self::File { file, sync, path, replace })
    }
}

impl Delivery for FileDelivery {
    /// Syncs the file and renames it to its final name.
    fn finish(self: Box<Self>) -> Result<Delivered> {
        let Self::File { file, sync, path, replace } = *self else { return Ok(Delivered::Stream) };
        sync.finish().map_err(|error| output_error_for(&path, &error))?;
        let if_exists = IfExists::replace_if(replace);
        atomic_file::rename(file.into_temp_path(), &path, if_exists).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Error::Output(format!(
                "{} was created in the meantime; choose another name or add --force",
                path.display()
            )),
            _ => output_error_for(&path, &error),
        })?;
        Ok(Delivered::File(path))
    }
}

impl Write for FileDelivery {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            // Locked anew for each write: nothing else writes to it, and chunks are large.
            Self::StandardOutput(out) => out.write(bytes),
            Self::Special(file) => file.write(bytes),
            Self::File { file, sync, .. } => {
                let written = file.write(bytes)?;
                sync.record_written(written);
                Ok(written)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::StandardOutput(out) => out.flush(),
            Self::Special(file) => file.flush(),
            Self::File { file, .. } => file.flush(),
        }
    }
}
