//! Sample databases of any size, with the records that a product of `profile::builtin` makes up.
//!
//! May import: `profile::builtin`, `source` (the PostgreSQL client), `support`. Flow: `generate` writes the tables in one transaction
//! to a temporary file, builds the indexes last (this keeps a million incidents fast and memory flat), and renames the
//! file into place.

mod postgres;

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::server::profile::builtin::SampleData;
pub use crate::server::profile::builtin::SampleSpec;
use crate::server::source::postgres::client;
use crate::server::support::atomic_file::{self, IfExists};
pub use postgres::generate_in_postgres;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{} exists; choose another name or add --force", .0.display())]
    Exists(PathBuf),
    #[error("the sample cannot be written: {0}")]
    Write(#[from] std::io::Error),
    #[error("the sample cannot be written: {0}")]
    Database(#[from] rusqlite::Error),
    #[error("the database already has tables of the sample; choose another database, or replace them with --force")]
    TablesExist,
    #[error("the sample cannot be written to PostgreSQL: {0}")]
    Postgres(#[from] client::Error),
}

/// Writes the sample and, in a file beside it, the password of its known users.
///
/// # Errors
/// `Exists` when the file exists and `replace` is false, `Write` or `Database` when it cannot be written.
pub fn generate(data: &SampleData, path: &Path, spec: &SampleSpec, password: &str, replace: bool) -> Result<(), Error> {
    if path.is_dir() {
        return Err(std::io::Error::from(std::io::ErrorKind::IsADirectory).into());
    }
    if path.exists() && !replace {
        return Err(Error::Exists(path.to_owned()));
    }
    let folder = atomic_file::folder_of(path);
    std::fs::create_dir_all(folder)?;
    let temporary = tempfile::Builder::new().prefix(".sample-").suffix(".part").tempfile_in(folder)?.into_temp_path();
    write_database(data, &temporary, spec, password)?;
    write_password_file(path, password)?;
    std::fs::File::open(&temporary)?.sync_all()?;
    Ok(atomic_file::rename(temporary, path, IfExists::Replace)?)
}

/// The path of the file with the sample's password, readable by its owner only.
#[must_use]
pub fn password_file(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".password");
    name.into()
}

fn write_password_file(path: &Path, password: &str) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let file = password_file(path);
    let _ = std::fs::remove_file(&file);
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    writeln!(file, "{password}")
}

fn write_database(data: &SampleData, path: &Path, spec: &SampleSpec, password: &str) -> Result<(), Error> {
    let mut connection = Connection::open(path)?;
    // The file is discarded on any failure, so no journal and no fsync.
    connection.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -32768;")?;
    let statements = data.sqlite_schema.split_inclusive(';');
    let (indexes, tables): (Vec<&str>, Vec<&str>) = statements.partition(|sql| sql.contains("INDEX"));
    connection.execute_batch(&tables.concat())?;
    connection.execute_batch("PRAGMA foreign_keys = OFF;")?;
    let transaction = connection.transaction()?;
    (data.insert_records)(&transaction, spec, password)?;
    transaction.commit()?;
    connection.execute_batch(&indexes.concat())?;
    connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA journal_mode = WAL;")?;
    Ok(())
}
