//! Opens the file: created for its owner only, checked to be ours before anything is written, and migrated.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};

use super::super::{Error, Result};
use super::SqliteStore;
use crate::server::support::private_folder::{PrivateFolder, create_private_folder};

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("migrations/state/sqlite");

impl SqliteStore {
    /// Opens or creates the file and returns it with the folder of artefacts and locks beside it.
    ///
    /// # Errors
    /// `Folder`, `Files` or `Database` if folder or file cannot be used; `NotAStateFile` if the file is another program's
    /// database; `Migrate` if a migration fails.
    pub async fn open(path: &Path) -> Result<(Self, PrivateFolder)> {
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
        // SQLite itself takes back a transaction that finds the disk full. sqlx takes that connection to be in one forever.
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }));
        let store = Self { pool: pool.connect_with(options).await? };
        let files = PrivateFolder::open_or_create(files_folder(path))?;
        store.migrate(files.clone()).await?;
        Ok((store, files))
    }

    /// Migrates under a file lock: two processes that start together would both begin the same migration.
    async fn migrate(&self, folder: PrivateFolder) -> Result<()> {
        let lock = tokio::task::spawn_blocking(move || folder.lock("migration.lock"));
        let _migration_lock = lock.await.map_err(|_| sqlx::Error::WorkerCrashed)??;
        Ok(MIGRATIONS.run(&self.pool).await?)
    }
}

fn files_folder(database: &Path) -> PathBuf {
    let mut folder = database.as_os_str().to_owned();
    folder.push(".files");
    folder.into()
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

fn create_private_file(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
    let file = std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    // An existing file may be readable by everyone. The mode of another user's file is left unchanged.
    if file.metadata()?.uid() == rustix::process::geteuid().as_raw() {
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}
