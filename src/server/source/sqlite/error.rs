//! What `SQLite` reports, in words for people.

use std::io;

use rusqlite::ErrorCode;

use super::super::error::{Error, Kind};
use crate::model::name::TableName;

/// The file's metadata or path cannot be read.
pub fn no_metadata(error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::NotFound => Error::new(Kind::NotFound, "the database file does not exist"),
        io::ErrorKind::PermissionDenied => cannot_open("permission denied"),
        _ => cannot_open("the path cannot be read"),
    }
}

pub fn cannot_open(reason: &str) -> Error {
    Error::new(Kind::Connection, format!("the database file cannot be opened: {reason}"))
}

/// Nothing tells the table's rows apart: columns hide every name of the row id, and there is no primary key.
pub fn rows_without_key(table: &TableName) -> Error {
    Error::new(Kind::Unsuitable, format!("table {table} cannot be exported in part: nothing tells its rows apart"))
}

/// What the file's own rules refuse. The message names tables, columns and constraints, and no value.
pub fn refused(error: rusqlite::Error, describe: impl FnOnce(&str) -> String) -> Error {
    match error {
        // A trigger's own words may hold values.
        rusqlite::Error::SqliteFailure(cause, _) if cause.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_TRIGGER => {
            Error::new(Kind::Refused, describe("a trigger of the database refuses it"))
        }
        rusqlite::Error::SqliteFailure(cause, Some(ref message))
            if matches!(cause.code, ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch) =>
        {
            Error::new(Kind::Refused, describe(message))
        }
        rusqlite::Error::SqliteFailure(cause, _) if cause.code == ErrorCode::DiskFull => {
            Error::new(Kind::Failed, "the disk that holds the database is full")
        }
        other => other.into(),
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::new(Kind::Unsuitable, "the file is not an SQLite database"),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::locked(),
            Some(ErrorCode::DatabaseCorrupt) => Self::damaged(),
            Some(ErrorCode::SystemIoFailure) => Self::disk_io(),
            Some(ErrorCode::OperationInterrupted) => Self::interrupted(),
            Some(ErrorCode::CannotOpen) => {
                cannot_open("a file in WAL mode needs its -wal and -shm files and a writable folder")
            }
            Some(ErrorCode::PermissionDenied) => cannot_open("permission denied"),
            _ => Self::rejected(error),
        }
    }
}
