//! Why Waybill's own state cannot be used.

use std::path::PathBuf;

use crate::server::support::private_folder;

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
    /// A value that this program never stores there.
    #[error("Waybill's state database cannot be read or written: it holds an invalid {0}")]
    Corrupt(&'static str),
}

pub type Result<T> = std::result::Result<T, Error>;
