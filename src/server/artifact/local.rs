//! Artefacts (0600) in a private folder (0700), outside of anything that is served by path.

use std::io::SeekFrom;
use std::path::Path;

use async_trait::async_trait;
use futures::StreamExt;
use tokio::fs::OpenOptions;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use super::writer::{LocalWriter, TEMPORARY_SUFFIX};
use super::{ArtifactStore, ArtifactStream, ArtifactWriter, Error, Result};
use crate::model::artifact_name::ArtifactName;
use crate::server::support::disk;
use crate::server::support::private_folder::PrivateFolder;

/// Bytes read at once for a download.
const READ_SIZE: usize = 64 << 10;

/// The folder of one source's artefacts.
#[derive(Clone, Debug)]
pub struct LocalArtifactStore {
    folder: PrivateFolder,
    /// The parent folder, common to all sources. Versions that had no folder per source kept artefacts there.
    parent: PrivateFolder,
}

impl LocalArtifactStore {
    /// Opens or creates one source's folder inside the state's.
    ///
    /// # Errors
    /// `OwnFolder` if the path is not a folder of ours, or cannot be created.
    pub fn for_source(parent: PrivateFolder, source_id: &str) -> Result<Self> {
        let folder = PrivateFolder::open_or_create(parent.path().join(source_id)).map_err(Error::OwnFolder)?;
        Ok(Self { folder, parent })
    }

    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

#[async_trait]
impl ArtifactStore for LocalArtifactStore {
    fn create(&self, name: ArtifactName) -> Result<Box<dyn ArtifactWriter>> {
        Ok(Box::new(LocalWriter::create(self.folder.path(), name)?))
    }

    async fn open(&self, name: &ArtifactName, first: u64, last: u64) -> Result<ArtifactStream> {
        let path = self.folder.path().join(name.as_str());
        let file = OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW).open(path).await;
        let mut file = file.map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Error::NotFound(error),
            _ => Error::Read(error),
        })?;
        file.seek(SeekFrom::Start(first)).await.map_err(Error::Read)?;
        Ok(ReaderStream::with_capacity(file.take(last + 1 - first), READ_SIZE).boxed())
    }

    async fn remove(&self, name: &ArtifactName) -> Result<()> {
        let (folder, name) = (self.folder.clone(), name.clone());
        on_blocking_thread(move || folder.remove_file(name.as_str()).map_err(Error::Write)).await
    }

    async fn remove_all_except(&self, keep: &[ArtifactName]) -> Result<()> {
        let (folder, parent, keep) = (self.folder.clone(), self.parent.clone(), keep.to_vec());
        on_blocking_thread(move || {
            remove_ours(&folder, &keep)?;
            remove_ours(&parent, &[])
        })
        .await
    }

    fn free_bytes(&self) -> Option<u64> {
        disk::available_bytes(self.folder.path()).ok()
    }
}

async fn on_blocking_thread(work: impl FnOnce() -> Result<()> + Send + 'static) -> Result<()> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|panic| Error::Write(std::io::Error::other(panic)))?
}

/// Removes our files in a folder, except those in `keep`.
fn remove_ours(folder: &PrivateFolder, keep: &[ArtifactName]) -> Result<()> {
    for entry in std::fs::read_dir(folder.path()).map_err(Error::Folder)? {
        let name = entry.map_err(Error::Folder)?.file_name().to_string_lossy().into_owned();
        if is_removable(&name, keep) {
            folder.remove_file(&name).map_err(Error::Write)?;
        }
    }
    Ok(())
}

/// Whether the name is that of an artefact, unfinished or not to be kept.
fn is_removable(name: &str, keep: &[ArtifactName]) -> bool {
    match name.strip_suffix(TEMPORARY_SUFFIX) {
        Some(unfinished) => ArtifactName::parse(unfinished).is_some(),
        None => ArtifactName::parse(name).is_some_and(|name| !keep.contains(&name)),
    }
}
