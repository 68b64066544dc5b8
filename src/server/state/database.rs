//! The open state, of all sources and of one.

use std::path::Path;
use std::sync::Arc;

use super::sqlite::SqliteStore;
use super::{Result, Store, Tables, Tx};
use crate::server::support::private_folder::PrivateFolder;

/// The open state database, of all sources.
///
/// ```
/// use waybill::server::audit::{self, Actor, Event, Journal};
/// use waybill::server::state::StateDatabase;
/// use waybill::server::support::clock::SystemClock;
///
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("state/waybill.db");
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let state = StateDatabase::open(&path).await?;
/// let journal = Journal::new(state.for_source(None), std::sync::Arc::new(SystemClock));
/// let mut tx = journal.begin().await?;
/// let event = Event::SessionsEnded { account: "ada".into(), count: 1 };
/// let head = journal.record(&mut *tx, Actor::local("cli:ops"), event).await?;
/// tx.commit().await?;
/// assert_eq!(head.entries, 1);
/// assert_eq!(audit::verify_chain(&state, &[head]).await?.error, None);
/// # Ok::<(), waybill::server::state::Error>(()) }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct StateDatabase {
    store: Arc<dyn Store>,
    files: PrivateFolder,
}

/// The part of the state that belongs to one source.
#[derive(Clone, Debug)]
pub struct SourceState {
    store: Arc<dyn Store>,
    /// None for accounts that no source has adopted yet.
    source_id: Option<String>,
}

impl StateDatabase {
    /// Opens the file, creates it (readable by its owner only) if it is missing, and migrates it.
    ///
    /// # Errors
    /// `Folder`, `Files` or `Database` if folder or file cannot be used; `NotAStateFile` if the file is another program's
    /// database; `Migrate` if a migration fails.
    pub async fn open(path: &Path) -> Result<Self> {
        let (store, files) = SqliteStore::open(path).await?;
        Ok(Self { store: Arc::new(store), files })
    }

    /// On a store of the caller's choice; `files` is the folder of artefacts and locks.
    #[must_use]
    pub fn on(store: Arc<dyn Store>, files: PrivateFolder) -> Self {
        Self { store, files }
    }

    /// Returns the state of one source.
    #[must_use]
    pub fn for_source(&self, source_id: Option<String>) -> SourceState {
        SourceState { store: self.store.clone(), source_id }
    }

    /// The folder of artefacts and locks, beside the database.
    #[must_use]
    pub fn files_folder(&self) -> &PrivateFolder {
        &self.files
    }
}

impl SourceState {
    /// The source that this state belongs to.
    #[must_use]
    pub fn source_id(&self) -> Option<&str> {
        self.source_id.as_deref()
    }

    /// As [`Store::begin`].
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub async fn begin(&self) -> Result<Box<dyn Tx>> {
        self.store.begin(self.source_id()).await
    }

    /// As [`Store::connect`].
    ///
    /// # Errors
    /// As [`Store::connect`].
    pub async fn connect(&self) -> Result<Box<dyn Tables>> {
        self.store.connect(self.source_id()).await
    }
}
