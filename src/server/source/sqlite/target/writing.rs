//! Begins the one transaction in which a file is written to.

use std::path::Path;
use std::time::Duration;

use rusqlite::backup::Backup;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::super::super::target::Purpose;
use super::super::super::{InterruptHandle, Result};
use super::super::error;

/// More pages in memory than by default: inserting into several indexes touches many.
const CACHE_KIB: u32 = 48 << 10;

/// Whether the file itself checks references, and carries changes on along them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForeignKeys {
    /// At the end of the transaction.
    Enforced,
    Ignored,
}

/// The connection, in its transaction. For a dry run it is one to a private copy of the file.
pub fn begin(
    path: &Path,
    purpose: Purpose,
    foreign_keys: ForeignKeys,
    on_handle: &dyn Fn(InterruptHandle),
) -> Result<Connection> {
    let file = std::fs::metadata(path).map_err(|error| error::no_metadata(&error))?;
    if file.is_dir() {
        return Err(error::cannot_open("it is a directory"));
    }
    let connection = match purpose {
        Purpose::Write => open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?,
        Purpose::DryRun => copy_privately(path)?,
    };
    let handle = connection.get_interrupt_handle();
    on_handle(Box::new(move || handle.interrupt()));
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    // Triggers, checks and indexes of the file may call no function that reaches outside of it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    let foreign_keys = if foreign_keys == ForeignKeys::Enforced { "ON" } else { "OFF" };
    connection.execute_batch(&format!(
        "PRAGMA mmap_size = 0; PRAGMA trusted_schema = OFF; PRAGMA temp_store = FILE; PRAGMA cache_size = -{CACHE_KIB};
         PRAGMA foreign_keys = {foreign_keys}; BEGIN IMMEDIATE; PRAGMA defer_foreign_keys = ON;"
    ))?;
    Ok(connection)
}

/// From here on, within the transaction, in which `PRAGMA foreign_keys` does nothing.
pub fn ignore_foreign_keys(connection: &Connection) -> Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, false)?;
    Ok(())
}

pub fn open(path: &Path, flags: OpenFlags) -> Result<Connection> {
    Ok(Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?)
}

/// The connection to a temporary database of `SQLite` itself with the content of the file: it is on disk where it is large, has no
/// name, and is gone with the connection, also if the program is killed.
fn copy_privately(path: &Path) -> Result<Connection> {
    let source = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    source.busy_timeout(Duration::from_secs(5))?;
    let mut copy = open(Path::new(""), OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    Backup::new(&source, &mut copy)?.run_to_completion(4096, Duration::ZERO, None)?;
    Ok(copy)
}
