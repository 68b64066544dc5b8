//! Writes the files that a sample's records refer to.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::Error;
use crate::server::profile::builtin::SampleFiles;

/// The folder beside an `SQLite` sample.
#[must_use]
pub fn default_folder(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".media");
    name.into()
}

/// Writes the files into a new folder, or into one that is there if `replace`.
///
/// # Errors
/// `FolderExists` if it is there and `replace` is false; `Write` if a file cannot be written.
pub fn write_files(files: &SampleFiles, folder: &Path, replace: bool) -> Result<(), Error> {
    if folder.exists() && !replace {
        return Err(Error::FolderExists(folder.to_owned()));
    }
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    (0..files.count).try_for_each(|nth| {
        let file = (files.make)(nth);
        Ok(std::fs::write(folder.join(file.name), file.content)?)
    })
}
