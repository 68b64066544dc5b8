//! Writes the sample to an `SQLite` file, in one transaction.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::Error;
use crate::server::profile::builtin::{InsertRecords, Records, Sample};
use crate::server::support::atomic_file::{self, IfExists};

/// Writes the sample and, in a file beside it, the password of its known users.
///
/// # Errors
/// `PostgresOnly` for an application that knows no `SQLite`, `Exists` when the file exists and `replace` is false, `Write`
/// or `Database` when it cannot be written.
pub fn generate(sample: &Sample, path: &Path, password: &str, replace: bool) -> Result<(), Error> {
    let Records::Inserted { sqlite_schema, by } = &sample.records else {
        return Err(Error::PostgresOnly { application: sample.application });
    };
    if path.is_dir() {
        return Err(std::io::Error::from(std::io::ErrorKind::IsADirectory).into());
    }
    if path.exists() && !replace {
        return Err(Error::Exists(path.to_owned()));
    }
    let folder = atomic_file::folder_of(path);
    std::fs::create_dir_all(folder)?;
    let temporary = tempfile::Builder::new().prefix(".sample-").suffix(".part").tempfile_in(folder)?.into_temp_path();
    write_database(sqlite_schema, &**by, &temporary, password)?;
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

/// Writes the tables, and their indexes last.
pub fn write_database(schema: &str, records: &dyn InsertRecords, path: &Path, password: &str) -> Result<(), Error> {
    let mut connection = Connection::open(path)?;
    // The file is discarded on any failure, so no journal and no fsync.
    connection.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -32768;")?;
    let statements = schema.split_inclusive(';');
    let (indexes, tables): (Vec<&str>, Vec<&str>) = statements.partition(|sql| sql.contains("INDEX"));
    connection.execute_batch(&tables.concat())?;
    connection.execute_batch("PRAGMA foreign_keys = OFF;")?;
    let transaction = connection.transaction()?;
    records.insert_records(&transaction, password)?;
    transaction.commit()?;
    connection.execute_batch(&indexes.concat())?;
    connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA journal_mode = WAL;")?;
    Ok(())
}
