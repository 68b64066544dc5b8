//! A file in a local folder that is not available under its final name yet.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::{ArtifactWriter, Error, Result};
use crate::model::artifact_name::ArtifactName;
use crate::server::support::disk::BackgroundSync;

pub const TEMPORARY_SUFFIX: &str = ".part";

#[derive(Debug)]
pub struct LocalWriter {
    sync: BackgroundSync,
    file: TemporaryFile,
    name: ArtifactName,
}

/// A file that is removed when dropped, unless it was kept.
#[derive(Debug)]
struct TemporaryFile {
    file: File,
    path: PathBuf,
    kept: bool,
}

impl LocalWriter {
    pub fn create(folder: &Path, name: ArtifactName) -> Result<Self> {
        let path = folder.join(format!("{}{TEMPORARY_SUFFIX}", name.as_str()));
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(Error::Write)?;
        let file = TemporaryFile { file, path, kept: false };
        Ok(Self { sync: BackgroundSync::new(&file.file).map_err(Error::Write)?, file, name })
    }
}

impl ArtifactWriter for LocalWriter {
    fn publish(self: Box<Self>) -> Result<ArtifactName> {
        let Self { sync, mut file, name } = *self;
        sync.finish().map_err(Error::Write)?;
        file.rename(name.as_str()).map_err(Error::Write)?;
        Ok(name)
    }
}

impl TemporaryFile {
    /// Gives the file its final name, durably.
    fn rename(&mut self, name: &str) -> io::Result<()> {
        let target = self.path.with_file_name(name);
        std::fs::rename(&self.path, &target)?;
        self.path = target;
        let folder = self.path.parent().unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()?;
        self.kept = true;
        Ok(())
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        if !self.kept {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl Write for LocalWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.file.write(bytes)?;
        self.sync.record_written(written);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.file.flush()
    }
}
