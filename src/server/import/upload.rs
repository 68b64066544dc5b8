//! Files that are sent to be imported.
//!
//! They are kept in a folder of the state, without a name: nobody else can open one, and it is gone with its last reader, also if the
//! program is killed.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::io::AsyncWriteExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Error, Imports, Result};
use crate::model::access::{Capability, Scope};
use crate::server::identity::{self, Caller};

/// How many files are received, planned or imported at once.
const MAX_AT_ONCE: usize = 2;

/// Where uploads are kept, and how large one may be.
pub struct Uploads {
    folder: PathBuf,
    pub max_bytes: u64,
    slots: Arc<Semaphore>,
}

/// A file that is being received.
pub struct Upload {
    file: tokio::fs::File,
    bytes: u64,
    max_bytes: u64,
    slot: OwnedSemaphorePermit,
}

impl Uploads {
    #[must_use]
    pub fn new(folder: PathBuf, max_bytes: u64) -> Self {
        Self { folder, max_bytes, slots: Arc::new(Semaphore::new(MAX_AT_ONCE)) }
    }

    /// A new file without a name.
    ///
    /// # Errors
    /// `Upload` if it cannot be made.
    pub fn unnamed_file(&self) -> Result<File> {
        tempfile::tempfile_in(&self.folder).map_err(Error::Upload)
    }
}

impl Imports {
    /// Begins to receive a file.
    ///
    /// # Errors
    /// `Forbidden`; `Busy` while others are received or imported; `Upload` if it cannot be kept.
    pub async fn begin_upload(&self, caller: &Caller) -> Result<Upload> {
        let (capability, scope) = (Capability::ImportDatabase, Scope::WholeDatabase);
        identity::authorise::<Error>(&self.journal, caller, capability, &scope, "send a file to import").await?;
        let slot = self.uploads.slots.clone().try_acquire_owned().map_err(|_| Error::Busy)?;
        let file = tokio::fs::File::from_std(self.uploads.unnamed_file()?);
        Ok(Upload { file, bytes: 0, max_bytes: self.uploads.max_bytes, slot })
    }
}

impl Upload {
    /// # Errors
    /// `TooLarge`; `Upload` if the disk does not take it.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.bytes += bytes.len() as u64;
        if self.bytes > self.max_bytes {
            return Err(Error::TooLarge { max_bytes: self.max_bytes });
        }
        self.file.write_all(bytes).await.map_err(Error::Upload)
    }

    /// Returns the whole file, and its slot: others can send one once that is dropped.
    ///
    /// # Errors
    /// `Upload` if the disk does not take it.
    pub async fn finish(mut self) -> Result<(File, OwnedSemaphorePermit)> {
        self.file.flush().await.map_err(Error::Upload)?;
        let file = self.file.into_std().await;
        Ok((file, self.slot))
    }
}
