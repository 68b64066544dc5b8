//! The folder in which an application keeps the files of its users. Names in it come from the database, and are not trusted.

use std::ffi::OsStr;
use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags, fstatvfs, mkdirat, openat, unlinkat};
use rustix::io::Errno;

/// How often a folder is created again that others remove.
const MAX_ATTEMPTS: usize = 1_000;

/// A folder of the blob folder that no other process takes for left behind. Released when dropped, and when its process ends.
#[derive(Debug)]
pub struct FolderLock(#[expect(dead_code, reason = "the open folder is what is locked")] File);

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

    /// The bytes that this process may still write to the folder's file system.
    ///
    /// # Errors
    /// Any error of the system call.
    pub fn available_bytes(&self) -> io::Result<u64> {
        let of = fstatvfs(&self.0)?;
        Ok(of.f_bavail.saturating_mul(of.f_frsize))
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
        self.create_folders(&folders)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let within = self.open_folder(&folders)?;
        Ok(File::from(openat(&within, OsStr::new(file), flags, Mode::from_raw_mode(0o666))?))
    }

    /// Creates a folder, and those that it is in, and locks it.
    ///
    /// # Errors
    /// As `create_file`.
    pub fn create_locked(&self, name: &str) -> io::Result<FolderLock> {
        let folders = folders(name)?;
        // Whoever sees it empty and unlocked may remove it.
        for _ in 0..MAX_ATTEMPTS {
            let folder = match self.create_folders(&folders).and_then(|()| self.open_folder(&folders)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                folder => folder?,
            };
            folder.lock()?;
            if self.open_folder(&folders).is_ok_and(|there| is_same(&there, &folder)) {
                return Ok(FolderLock(folder));
            }
        }
        Err(io::ErrorKind::NotFound.into())
    }

    /// Locks a folder; nothing if somebody else has.
    ///
    /// # Errors
    /// As `open_file`.
    pub fn try_lock(&self, name: &str) -> io::Result<Option<FolderLock>> {
        let folder = self.open_folder(&folders(name)?)?;
        match folder.try_lock() {
            Ok(()) => Ok(Some(FolderLock(folder))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Makes sure that the names of the files in a folder are on disk.
    ///
    /// # Errors
    /// As `open_file`.
    pub fn sync_folder(&self, name: &str) -> io::Result<()> {
        self.open_folder(&folders(name)?)?.sync_all()
    }

    /// The names in a folder; none if there is no such folder.
    ///
    /// # Errors
    /// As `open_file`.
    pub fn list(&self, name: &str) -> io::Result<Vec<String>> {
        let folder = match self.open_folder(&folders(name)?) {
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

    fn create_folders(&self, folders: &[&str]) -> io::Result<()> {
        for depth in 1..=folders.len() {
            let (within, folder) = (self.open_folder(&folders[..depth - 1])?, folders[depth - 1]);
            match mkdirat(&within, OsStr::new(folder), Mode::from_raw_mode(0o777)) {
                Ok(()) => within.sync_all()?,
                Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
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

/// Whether both are the same folder.
fn is_same(one: &File, other: &File) -> bool {
    let id = |file: &File| file.metadata().map(|metadata| (metadata.dev(), metadata.ino()));
    matches!((id(one), id(other)), (Ok(one), Ok(other)) if one == other)
}

/// The folders of a name, and the file.
fn parts(name: &str) -> io::Result<(Vec<&str>, &str)> {
    let mut parts = folders(name)?;
    let file = parts.pop().ok_or_else(refused)?;
    Ok((parts, file))
}

/// The folders of the name of a folder.
fn folders(name: &str) -> io::Result<Vec<&str>> {
    let is_plain = |part: &&str| !matches!(*part, "" | "." | "..") && !part.contains('\0');
    let folders: Vec<&str> = name.split('/').collect();
    if folders.iter().all(is_plain) { Ok(folders) } else { Err(refused()) }
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

    #[test]
    fn a_folder_is_locked_by_one_at_a_time_until_that_one_lets_go() {
        let folder = tempfile::TempDir::new().unwrap();
        let open = BlobFolder::open(folder.path()).unwrap();
        let lock = open.create_locked("imports/one").unwrap();
        assert!(open.try_lock("imports/one").unwrap().is_none());
        assert!(open.try_lock("imports").unwrap().is_some(), "others are not locked with it");
        drop(lock);
        assert!(open.try_lock("imports/one").unwrap().is_some());
        for name in ["imports/none", "../one", ""] {
            assert!(open.try_lock(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_folder_that_is_removed_before_it_is_locked_is_created_again() {
        let folder = tempfile::TempDir::new().unwrap();
        let open = BlobFolder::open(folder.path()).unwrap();
        std::thread::scope(|scope| {
            let sweeper = scope.spawn(|| {
                for _ in 0..20_000 {
                    if let Ok(Some(_lock)) = open.try_lock("one") {
                        let _ = open.remove("one", true);
                    }
                }
            });
            while !sweeper.is_finished() {
                let _lock = open.create_locked("one").unwrap();
                open.create_file("one/file").unwrap();
                open.remove("one/file", false).unwrap();
            }
        });
    }
}
