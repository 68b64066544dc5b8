//! Why a sample cannot be written.

use std::path::PathBuf;

use crate::server::source::postgres::client;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{} exists; choose another name or add --force", .0.display())]
    Exists(PathBuf),
    #[error("{application} knows PostgreSQL only: fill a database with --output postgres://user@host:port/database")]
    PostgresOnly { application: &'static str },
    #[error("the folder for the sample's files, {}, exists; choose another one (--media) or add --force", .0.display())]
    FolderExists(PathBuf),
    #[error("the sample has files: say where to put them with --media FOLDER")]
    NoFolder,
    #[error("the sample cannot be written: {0}")]
    Write(#[from] std::io::Error),
    #[error("the sample cannot be written: {0}")]
    Database(#[from] rusqlite::Error),
    #[error("the database already has tables of the sample; choose another database, or replace them with --force")]
    TablesExist,
    #[error("the sample cannot be written to PostgreSQL: {0}")]
    Postgres(#[from] client::Error),
}
