//! Waybill's own SQLite database: sources, accounts, sessions, exports, audit. Literal SQL through sqlx.
//!
//! May import: `model`, `support`. Flow: `StateDatabase::open` migrates; `StateDatabase::for_source` returns the state of one
//! source, whose queries see that source only; a use case begins a transaction, passes it to the functions
//! here and to `audit`, and commits once.

pub mod accounts;
pub mod exports;
pub mod second_factors;
pub mod sessions;
pub mod sources;

use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Sqlite, SqliteConnection, SqlitePool, Transaction};

use crate::server::support::private_folder::{self, PrivateFolder};

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("migrations/state/sqlite");

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("Waybill's state file or its folder cannot be used: {0}; choose another place with --state")]
    Folder(#[source] std::io::Error),
    #[error("{} is a database of another program: give Waybill a file of its own with --state", .0.display())]
    NotAStateFile(PathBuf),
    #[error(transparent)]
    Files(#[from] private_folder::Error),
    #[error("Waybill's state database cannot be opened or migrated: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    #[error("Waybill's state database cannot be read or written: {0}")]
    Database(#[from] sqlx::Error),
}

pub type Result<T> = std::result::Result<T, Error>;

/// A write transaction for one source, or for none if the change concerns no source.
#[derive(Debug)]
pub struct Tx {
    transaction: Transaction<'static, Sqlite>,
    pub source_id: Option<String>,
}

/// The open state database, of all sources.
///
/// ```
/// use waybill::server::audit::{self, Entry, Event};
/// use waybill::server::state::StateDatabase;
///
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("state/waybill.db");
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let state = StateDatabase::open(&path).await?;
/// let mut tx = state.for_source(None).begin().await?;
/// let event = Event::SessionsEnded { account: "ada".into(), count: 1 };
/// let entry = Entry { at: "2026-11-20T14:02:11Z".into(), actor: "cli:ops", network: None, export: None, event };
/// let head = audit::append(&mut tx, &entry).await?;
/// tx.commit().await?;
/// assert_eq!(head.entries, 1);
/// assert_eq!(audit::verify_chain(&state, &[head]).await?.error, None);
/// # Ok::<(), waybill::server::state::Error>(()) }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct StateDatabase {
    pub(super) pool: SqlitePool,
    path: PathBuf,
}

/// The part of the state that belongs to one source.
#[derive(Clone, Debug)]
pub struct SourceState {
    pub(super) pool: SqlitePool,
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
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        create_private_folder(folder).map_err(Error::Folder)?;
        create_private_file(path).map_err(Error::Folder)?;
        // Resolve links: locks and artefacts are beside the file itself.
        let path = &path.canonicalize().map_err(Error::Folder)?;
        check_is_state_database(path).await?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            // An audit entry lost in a power failure would leave an export unrecorded.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(10))
            .disable_statement_logging();
        let pool = SqlitePoolOptions::new().max_connections(4).connect_with(options).await?;
        let state = Self { pool, path: path.clone() };
        state.migrate().await?;
        Ok(state)
    }

    /// Migrates under a file lock: two processes that start together would both begin the same migration.
    async fn migrate(&self) -> Result<()> {
        let folder = self.files_folder()?;
        let lock = tokio::task::spawn_blocking(move || folder.lock("migration.lock"));
        let _migration_lock = lock.await.map_err(|_| sqlx::Error::WorkerCrashed)??;
        Ok(MIGRATIONS.run(&self.pool).await?)
    }

    /// Returns the state of one source.
    #[must_use]
    pub fn for_source(&self, source_id: Option<String>) -> SourceState {
        SourceState { pool: self.pool.clone(), source_id }
    }

    /// Returns the folder of artefacts and locks, beside the database.
    ///
    /// # Errors
    /// `Files` if it cannot be created, belongs to another user or is a link.
    pub fn files_folder(&self) -> Result<PrivateFolder> {
        let mut folder = self.path.as_os_str().to_owned();
        folder.push(".files");
        Ok(PrivateFolder::open_or_create(folder.into())?)
    }
}

impl SourceState {
    /// The source that this state belongs to.
    #[must_use]
    pub fn source_id(&self) -> Option<&str> {
        self.source_id.as_deref()
    }

    /// Begins a write transaction. It takes the write lock at once, so that it cannot fail to get it
    /// half-way.
    ///
    /// # Errors
    /// `Database` if the lock cannot be taken within 10 seconds or the database cannot be used.
    pub async fn begin(&self) -> Result<Tx> {
        let transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        Ok(Tx { transaction, source_id: self.source_id.clone() })
    }
}

impl Tx {
    /// Commits the transaction.
    ///
    /// # Errors
    /// `Database` if the commit fails; nothing is written then.
    pub async fn commit(self) -> Result<()> {
        Ok(self.transaction.commit().await?)
    }
}

impl Deref for Tx {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.transaction
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.transaction
    }
}

/// Checks a file before anything is written to it: a database with tables is Waybill's if it has those of exports and
/// audit.
async fn check_is_state_database(path: &Path) -> Result<()> {
    let mut connection = SqliteConnectOptions::new().filename(path).read_only(true).connect().await?;
    let tables: Vec<String> = sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')")
        .fetch_all(&mut connection)
        .await?;
    connection.close().await?;
    let has = |name: &str| tables.iter().any(|table| table == name);
    // The migrations table alone: a first start that was killed at once.
    let is_ours = tables.is_empty() || has("audit") && has("exports") || tables == ["_sqlx_migrations"];
    if is_ours { Ok(()) } else { Err(Error::NotAStateFile(path.to_owned())) }
}

/// Creates a folder that only its owner can enter; an existing one is left unchanged.
///
/// # Errors
/// If it cannot be created.
pub fn create_private_folder(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn create_private_file(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
    let file = std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    // An existing file may be readable by everyone. The mode of another user's file is left unchanged.
    if file.metadata()?.uid() == rustix::process::geteuid().as_raw() {
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}
