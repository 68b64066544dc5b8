//! The folder in which an application keeps the files of its users. Names in it come from the database, and are not trusted.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, openat};

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
        let refused = || io::Error::from(io::ErrorKind::InvalidInput);
        let is_plain = |part: &&str| !matches!(*part, "" | "." | "..") && !part.contains('\0');
        let parts: Vec<&str> = name.split('/').collect();
        let (file, folders) = parts.split_last().ok_or_else(refused)?;
        if !parts.iter().all(is_plain) {
            return Err(refused());
        }
        let mut within = self.0.try_clone()?;
        for folder in folders {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            within = File::from(openat(&within, OsStr::new(folder), flags, Mode::empty())?);
        }
        // A pipe would wait for whoever writes to it.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let opened = File::from(openat(&within, OsStr::new(file), flags, Mode::empty())?);
        if opened.metadata()?.is_file() { Ok(opened) } else { Err(refused()) }
    }
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
}
