//! The folder in which an application keeps the files of its users. Names in it come from the database, and are not trusted.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags, mkdirat, openat, unlinkat};
use rustix::io::Errno;

/// An open folder. What is opened in it is a file of it, whatever its name says, and whoever moves the folder meanwhile.
#[derive(Debug)]
pub struct BlobFolder(File);

impl BlobFolder {
    /// # Errors
    /// If it is none, a link to one, or cannot be read.
    pub fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(Self(File::from(openat(CWD, path, flags, Mode::empty())?)))
    }

    /// Opens a file by its name below the folder, such as `ab/abcdef`.
    ///
    /// # Errors
    /// `InvalidInput` for a name that leads elsewhere, and for what is no file; links are not followed. Any other error of the
    /// file system.
    pub fn open_file(&self, name: &str) -> io::Result<File> {
        let (folders, file) = parts(name)?;
        let within = self.open_folder(&folders)?;
        // A pipe would wait for whoever writes to it.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let opened = File::from(openat(&within, OsStr::new(file), flags, Mode::empty())?);
        if opened.metadata()?.is_file() { Ok(opened) } else { Err(refused()) }
    }

    /// Creates a file, and the folders that it is in. The application reads it: its rights are those that the process gives to all.
    ///
    /// # Errors
    /// `AlreadyExists`; otherwise as `open_file`.
    pub fn create_file(&self, name: &str) -> io::Result<File> {
        let (folders, file) = parts(name)?;
        for depth in 1..=folders.len() {
            let (within, folder) = (self.open_folder(&folders[..depth - 1])?, folders[depth - 1]);
            match mkdirat(&within, OsStr::new(folder), Mode::from_raw_mode(0o777)) {
                Ok(()) => within.sync_all()?,
                Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let within = self.open_folder(&folders)?;
        Ok(File::from(openat(&within, OsStr::new(file), flags, Mode::from_raw_mode(0o666))?))
    }

    /// Makes sure that the names of the files in a folder are on disk.
    ///
    /// # Errors
    /// As `open_file`.
    pub fn sync_folder(&self, name: &str) -> io::Result<()> {
        self.open_folder(&name.split('/').collect::<Vec<_>>())?.sync_all()
    }

    /// The names in a folder; none if there is no such folder.
    ///
    /// # Errors
    /// As `open_file`.
    pub fn list(&self, name: &str) -> io::Result<Vec<String>> {
        let folder = match self.open_folder(&name.split('/').collect::<Vec<_>>()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            folder => folder?,
        };
        let names = Dir::read_from(&folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
        let names: Vec<String> = names.collect::<io::Result<_>>()?;
        Ok(names.into_iter().filter(|name| name != "." && name != "..").collect())
    }

    /// Removes a file, or an empty folder.
    ///
    /// # Errors
    /// As `open_file`.
    pub fn remove(&self, name: &str, is_folder: bool) -> io::Result<()> {
        let (folders, file) = parts(name)?;
        let flags = if is_folder { AtFlags::REMOVEDIR } else { AtFlags::empty() };
        Ok(unlinkat(self.open_folder(&folders)?, OsStr::new(file), flags)?)
    }

    fn open_folder(&self, parts: &[&str]) -> io::Result<File> {
        let mut within = self.0.try_clone()?;
        for folder in parts {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            within = File::from(openat(&within, OsStr::new(folder), flags, Mode::empty())?);
        }
        Ok(within)
    }
}

fn refused() -> io::Error {
    io::ErrorKind::InvalidInput.into()
}

/// The folders of a name, and the file.
fn parts(name: &str) -> io::Result<(Vec<&str>, &str)> {
    let is_plain = |part: &&str| !matches!(*part, "" | "." | "..") && !part.contains('\0');
    let mut parts: Vec<&str> = name.split('/').collect();
    if !parts.iter().all(is_plain) {
        return Err(refused());
    }
    let file = parts.pop().ok_or_else(refused)?;
    Ok((parts, file))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_files_of_the_folder_are_opened() {
        let folder = tempfile::TempDir::new().unwrap();
        let (blobs, outside) = (folder.path().join("blobs"), folder.path().join("outside"));
        std::fs::create_dir_all(blobs.join("ab")).unwrap();
        std::fs::write(blobs.join("ab/one"), "1").unwrap();
        std::fs::write(blobs.join("two"), "2").unwrap();
        std::fs::write(&outside, "secret").unwrap();
        symlink(&outside, blobs.join("link")).unwrap();
        symlink(folder.path(), blobs.join("up")).unwrap();
        symlink(&blobs, folder.path().join("linked")).unwrap();

        let open = BlobFolder::open(&blobs).unwrap();
        for name in ["ab/one", "two"] {
            assert!(open.open_file(name).is_ok(), "{name}");
        }
        for name in [
            "",
            ".",
            "..",
            "../outside",
            "/etc/passwd",
            "ab/../../outside",
            "ab",
            "ab/",
            "link",
            "up/outside",
            "ab//one",
            "no",
        ] {
            assert!(open.open_file(name).is_err(), "{name}");
        }
        assert!(BlobFolder::open(&folder.path().join("linked")).is_err());
        assert!(BlobFolder::open(&outside).is_err());
    }

    #[test]
    fn a_new_file_replaces_none_and_is_in_the_folder() {
        let folder = tempfile::TempDir::new().unwrap();
        let (blobs, outside) = (folder.path().join("blobs"), folder.path().join("outside"));
        for path in [&blobs, &outside] {
            std::fs::create_dir_all(path).unwrap();
        }
        symlink(&outside, blobs.join("up")).unwrap();
        symlink(outside.join("new"), blobs.join("link")).unwrap();
        let open = BlobFolder::open(&blobs).unwrap();
        for name in ["new", "a/b/c"] {
            open.create_file(name).unwrap();
            assert_eq!(open.create_file(name).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        }
        for name in ["up/new", "link", "../new", "a", "a/", ""] {
            assert!(open.create_file(name).is_err(), "{name}");
        }
        assert!(std::fs::read_dir(&outside).unwrap().next().is_none());
        assert_eq!(open.list("a/b").unwrap(), ["c"]);
        assert_eq!(open.list("none").unwrap(), [] as [&str; 0]);
        assert!(open.list("up").is_err());
        open.remove("a/b/c", false).unwrap();
        open.remove("a/b", true).unwrap();
        assert!(open.remove("a/b", true).is_err());
    }
}
