//! Files that appear under their name only when they are complete and on disk.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use tempfile::{NamedTempFile, TempPath};

/// What to do with an existing file of the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfExists {
    Replace,
    /// The error is `AlreadyExists`, also if another process creates the file meanwhile.
    Fail,
}

impl IfExists {
    #[must_use]
    pub fn replace_if(replace: bool) -> Self {
        if replace { Self::Replace } else { Self::Fail }
    }
}

/// Writes a whole file, with mode 0600. A failure leaves nothing behind.
///
/// # Errors
/// If the file cannot be created, written, synced or renamed.
pub fn write(path: &Path, content: &[u8], if_exists: IfExists) -> io::Result<()> {
    let mut file = NamedTempFile::new_in(folder_of(path))?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    rename(file.into_temp_path(), path, if_exists)
}

/// Gives a complete temporary file in the same folder its final name. The caller has synced its content.
///
/// # Errors
/// If the file cannot be renamed or the folder cannot be synced.
pub fn rename(file: TempPath, path: &Path, if_exists: IfExists) -> io::Result<()> {
    match if_exists {
        IfExists::Replace => file.persist(path),
        IfExists::Fail => file.persist_noclobber(path),
    }
    .map_err(|error| error.error)?;
    // Without this, a power cut may undo the rename.
    File::open(folder_of(path))?.sync_all()
}

/// The folder in which a path's temporary file must be made, so that it can be renamed.
#[must_use]
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        folder.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn an_existing_file_is_replaced_only_on_request_and_nothing_is_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("profile.toml");
        write(&path, b"one", IfExists::Fail).unwrap();
        let refused = write(&path, b"two", IfExists::Fail).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(&path).unwrap(), b"one");
        write(&path, b"two", IfExists::Replace).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(names(folder.path()), ["profile.toml"]);
    }

    #[test]
    fn a_file_that_cannot_get_its_name_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let taken = folder.path().join("taken");
        std::fs::create_dir(&taken).unwrap();
        assert!(write(&taken, b"text", IfExists::Replace).is_err());
        assert_eq!(names(folder.path()), ["taken"]);
    }

    #[test]
    fn a_bare_name_is_in_the_current_folder() {
        assert_eq!(folder_of(Path::new("a.toml")), Path::new("."));
        assert_eq!(folder_of(Path::new("x/a.toml")), Path::new("x"));
    }
}
