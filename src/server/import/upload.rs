//! Files that are sent to be imported.
//!
//! They are kept in a folder of the state, without a name: nobody else can open one, and it is gone with its last reader, also if the
//! program is killed.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::AsyncWriteExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Error, Imports, Result};
use crate::model::access::{Capability, Scope};
use crate::server::identity::{self, Caller};
use crate::server::support::disk::{available_bytes, check_room};

/// How many files are received, planned or imported at once.
const MAX_AT_ONCE: usize = 2;

/// How much is received between two looks at the free space.
const BYTES_PER_LOOK: u64 = 8 << 20;

/// Where uploads are kept, and how large one may be.
pub struct Uploads {
    folder: PathBuf,
    pub max_bytes: u64,
    slots: Arc<Semaphore>,
    undo_slot: Arc<Semaphore>,
    /// Whose data somebody is looking at or writing to: one thing at a time.
    persons: Arc<Mutex<BTreeSet<String>>>,
}

/// What a running import takes up until it is dropped.
pub struct UploadSlot {
    _permit: OwnedSemaphorePermit,
    _person: Option<PersonSlot>,
}

struct PersonSlot {
    id: String,
    persons: Arc<Mutex<BTreeSet<String>>>,
}

impl Drop for PersonSlot {
    fn drop(&mut self) {
        self.persons.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

/// A file that is being received.
pub struct Upload {
    file: tokio::fs::File,
    bytes: u64,
    max_bytes: u64,
    folder: PathBuf,
    looked_at: u64,
    slot: UploadSlot,
}

impl Uploads {
    #[must_use]
    pub fn new(folder: PathBuf, max_bytes: u64) -> Self {
        let (slots, undo_slot) = (Arc::new(Semaphore::new(MAX_AT_ONCE)), Arc::new(Semaphore::new(1)));
        Self { folder, max_bytes, slots, undo_slot, persons: Arc::default() }
    }

    /// Begins to receive a file, of this size if it is known. Of one person, one at a time.
    ///
    /// # Errors
    /// `Busy` while others are received or imported; `TooLarge`; `Upload` if it cannot be kept.
    pub fn begin(&self, bytes: Option<u64>, person: Option<&str>) -> Result<Upload> {
        let slot = self.take_slot(person)?;
        let Self { folder, max_bytes, .. } = self;
        if bytes.is_some_and(|bytes| bytes > *max_bytes) {
            return Err(Error::TooLarge { max_bytes: *max_bytes });
        }
        check_space(folder, bytes.unwrap_or_default())?;
        let file = tokio::fs::File::from_std(self.unnamed_file()?);
        Ok(Upload { file, bytes: 0, max_bytes: *max_bytes, folder: folder.clone(), looked_at: 0, slot })
    }

    fn take_person(&self, id: &str) -> Result<PersonSlot> {
        let is_free = self.persons.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned());
        is_free.then(|| PersonSlot { id: id.to_owned(), persons: self.persons.clone() }).ok_or(Error::Busy)
    }

    /// The slot of a person's undo: uploads of others do not keep anybody from it.
    ///
    /// # Errors
    /// `Busy` while something else of theirs is going on.
    pub async fn take_undo_slot(&self, person: &str) -> Result<UploadSlot> {
        let person = Some(self.take_person(person)?);
        let permit = self.undo_slot.clone().acquire_owned().await.map_err(|_| Error::Busy)?;
        Ok(UploadSlot { _permit: permit, _person: person })
    }

    fn take_slot(&self, person: Option<&str>) -> Result<UploadSlot> {
        let person = person.map(|id| self.take_person(id)).transpose()?;
        let permit = self.slots.clone().try_acquire_owned().map_err(|_| Error::Busy)?;
        Ok(UploadSlot { _permit: permit, _person: person })
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
    /// Begins to receive a file, of this size if it is known.
    ///
    /// # Errors
    /// `Forbidden`; `Busy` while others are received or imported; `TooLarge`; `Upload` if it cannot be kept.
    pub async fn begin_upload(&self, caller: &Caller, bytes: Option<u64>) -> Result<Upload> {
        let (capability, scope) = (Capability::ImportDatabase, Scope::WholeDatabase);
        identity::authorise::<Error>(&self.journal, caller, capability, &scope, "send a file to import").await?;
        self.uploads.begin(bytes, None)
    }

    /// Whether the caller may undo an import; others wait until what is returned is dropped.
    ///
    /// # Errors
    /// `Forbidden`; `NoSuchImport` for what is no id; `Busy` while another import is undone.
    pub async fn begin_undo(&self, caller: &Caller, import: &str) -> Result<OwnedSemaphorePermit> {
        let (capability, scope) = (Capability::ImportDatabase, Scope::WholeDatabase);
        identity::authorise::<Error>(&self.journal, caller, capability, &scope, "undo an import").await?;
        check_id(import)?;
        self.uploads.undo_slot.clone().try_acquire_owned().map_err(|_| Error::Busy)
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
        if self.bytes - self.looked_at > BYTES_PER_LOOK {
            self.looked_at = self.bytes;
            check_space(&self.folder, 0)?;
        }
        self.file.write_all(bytes).await.map_err(Error::Upload)
    }

    /// Returns the whole file, and its slot: others can send one once that is dropped.
    ///
    /// # Errors
    /// `Upload` if the disk does not take it.
    pub async fn finish(mut self) -> Result<(File, UploadSlot)> {
        self.file.flush().await.map_err(Error::Upload)?;
        let file = self.file.into_std().await;
        Ok((file, self.slot))
    }
}

/// # Errors
/// `NoSuchImport` for what is no id of an import.
pub fn check_id(import: &str) -> Result<()> {
    let is_id = import.len() == 32 && import.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if is_id { Ok(()) } else { Err(Error::NoSuchImport) }
}

/// Sign-in and audit trail write to the same disk.
fn check_space(folder: &Path, bytes: u64) -> Result<()> {
    check_room(available_bytes(folder).ok(), bytes).map_err(Error::Upload)
}
