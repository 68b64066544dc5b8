//! Stores finished export files (artefacts).
//!
//! May import: `support`, `model`. Flow: `create` begins a file that nobody can open; `publish` makes it durable and
//! available under its unguessable name; `open` streams it; `remove` deletes it. `local` keeps artefacts in a private
//! folder.

pub mod local;
mod writer;

use std::io::{self, Write};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;

use crate::model::artifact_name::ArtifactName;
use crate::server::support::random::Random;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the folder for finished files cannot be used")]
    Folder(#[source] io::Error),
    #[error(transparent)]
    OwnFolder(crate::server::support::private_folder::Error),
    #[error("the file cannot be written")]
    Write(#[source] io::Error),
    #[error("the file cannot be read")]
    Read(#[source] io::Error),
    #[error("the file no longer exists; export again")]
    NotFound(#[source] io::Error),
}

pub type Result<T> = std::result::Result<T, Error>;

/// The bytes of an artefact, in order.
pub type ArtifactStream = BoxStream<'static, io::Result<Bytes>>;

/// Where finished files are kept, of one source.
#[async_trait]
pub trait ArtifactStore: std::fmt::Debug + Send + Sync {
    /// Begins a file that is not available yet; dropped without `publish`, it is removed. Blocks.
    ///
    /// # Errors
    /// `Write` if it cannot be created.
    fn create(&self, name: ArtifactName) -> Result<Box<dyn ArtifactWriter>>;

    /// Streams the bytes from `first` to `last`, which the file has.
    ///
    /// # Errors
    /// `NotFound` if there is no such artefact, `Read` if it cannot be opened.
    async fn open(&self, name: &ArtifactName, first: u64, last: u64) -> Result<ArtifactStream>;

    /// Removes a file, finished or not; a missing file is no error.
    ///
    /// # Errors
    /// `Write` if it exists and cannot be removed.
    async fn remove(&self, name: &ArtifactName) -> Result<()>;

    /// Removes every file except those in `keep`: what killed processes left.
    ///
    /// # Errors
    /// `Folder` if the store cannot be listed, `Write` if a file cannot be removed.
    async fn remove_all_except(&self, keep: &[ArtifactName]) -> Result<()>;

    /// Bytes that can still be stored, as far as the store knows.
    fn free_bytes(&self) -> Option<u64>;
}

/// A name for a new artefact.
#[must_use]
pub fn new_name(random: &dyn Random) -> ArtifactName {
    let mut bits = [0; 32];
    random.fill(&mut bits);
    ArtifactName::from_random_bits(bits)
}

/// A file that is not available yet.
pub trait ArtifactWriter: Write + Send {
    /// Makes the file durable, then available under its name. Blocks.
    ///
    /// # Errors
    /// `Write` if that fails; the file is removed then.
    fn publish(self: Box<Self>) -> Result<ArtifactName>;
}
