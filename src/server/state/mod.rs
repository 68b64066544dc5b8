//! Waybill's own tables: sources, sessions, exports, audit. Literal SQL through sqlx.
//!
//! May import: `model`, `support`. Flow: `StateFile::open` migrates; `StateFile::of` gives the part of one
//! source, and every query there is about that source alone; a use case begins a transaction, passes it to
//! the functions here and to `audit`, and commits once.

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

use crate::server::support::own_folder::{self, OwnFolder};

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("migrations/state/sqlite");

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the folder for Waybill's own state cannot be used: {0}")]
    Folder(#[source] std::io::Error),
    #[error("{} is a database of another program: give Waybill a file of its own with --state", .0.display())]
    Foreign(PathBuf),
    #[error(transparent)]
    Files(#[from] own_folder::Error),
    #[error("Waybill's own state cannot be opened or brought up to date: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    #[error("Waybill's own state cannot be read or written: {0}")]
    Database(#[from] sqlx::Error),
}

pub type Result<T> = std::result::Result<T, Error>;

/// A transaction that writes, on behalf of one source or, for what is about none, of nobody.
#[derive(Debug)]
pub struct Tx {
    transaction: Transaction<'static, Sqlite>,
    pub source_id: Option<String>,
}

/// The open state database, with the sources that it knows.
#[derive(Clone, Debug)]
pub struct StateFile {
    pub(super) pool: SqlitePool,
    path: PathBuf,
}

/// The part of the state that belongs to one source.
#[derive(Clone, Debug)]
pub struct State {
    pub(super) pool: SqlitePool,
    /// None for accounts that no source has adopted yet.
    source_id: Option<String>,
}

impl StateFile {
    /// Opens the file, makes it (readable by its owner only) where it is missing, and migrates it.
    ///
    /// # Errors
    /// When folder or file cannot be used, or hold something else.
    pub async fn open(path: &Path) -> Result<Self> {
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        private_folder(folder).map_err(Error::Folder)?;
        private_file(path).map_err(Error::Folder)?;
        // However it was named: locks and files lie beside the file itself.
        let path = &path.canonicalize().map_err(Error::Folder)?;
        refuse_another_programs(path).await?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            // An audit entry that a power cut takes back would be a silent export.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(10))
            .disable_statement_logging();
        let pool = SqlitePoolOptions::new().max_connections(4).connect_with(options).await?;
        let state = Self { pool, path: path.clone() };
        state.migrate().await?;
        Ok(state)
    }

    /// One process at a time: two that start together would both begin the same migration.
    async fn migrate(&self) -> Result<()> {
        let folder = self.files()?;
        let lock = tokio::task::spawn_blocking(move || folder.wait_for_lock("migration.lock"));
        let _alone = lock.await.map_err(|_| sqlx::Error::WorkerCrashed)??;
        Ok(MIGRATIONS.run(&self.pool).await?)
    }

    /// The part of one source.
    #[must_use]
    pub fn of(&self, source_id: Option<String>) -> State {
        State { pool: self.pool.clone(), source_id }
    }

    /// Where finished files and locks lie, beside the database.
    ///
    /// # Errors
    /// When something else lies there.
    pub fn files(&self) -> Result<OwnFolder> {
        let mut folder = self.path.as_os_str().to_owned();
        folder.push(".files");
        Ok(OwnFolder::at(folder.into())?)
    }
}

impl State {
    /// Whose part it is.
    #[must_use]
    pub fn source_id(&self) -> Option<&str> {
        self.source_id.as_deref()
    }

    /// Begins a transaction that will write: it takes the write lock at once, so that it never has to
    /// give up half-way.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn begin(&self) -> Result<Tx> {
        let transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        Ok(Tx { transaction, source_id: self.source_id.clone() })
    }
}

impl Tx {
    /// # Errors
    /// When the database does not take it; then nothing of it has happened.
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

/// Looks at a file before anything is written to it. What is there is ours if it has our audit trail.
async fn refuse_another_programs(path: &Path) -> Result<()> {
    let mut looking = SqliteConnectOptions::new().filename(path).read_only(true).connect().await?;
    let tables: Vec<String> = sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')")
        .fetch_all(&mut looking)
        .await?;
    looking.close().await?;
    let has = |name: &str| tables.iter().any(|table| table == name);
    // The first one alone: a first start that was killed at once.
    let is_ours = tables.is_empty() || has("audit") && has("exports") || tables == ["_sqlx_migrations"];
    if is_ours { Ok(()) } else { Err(Error::Foreign(path.to_owned())) }
}

/// Makes a folder that only its owner can enter; one that is there is left as it is.
///
/// # Errors
/// When it cannot be made.
pub fn private_folder(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn private_file(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
    let file = std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    // One that was there may be readable by everybody; of somebody else's, the mode is their business.
    if file.metadata()?.uid() == rustix::process::geteuid().as_raw() {
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}
