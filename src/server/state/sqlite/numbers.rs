//! SQLite stores integers signed: conversions from and to unsigned ones.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::super::{Error, Result};

pub fn to_i64(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// # Errors
/// `Corrupt` for a negative number.
pub fn to_u64(n: i64, what: &'static str) -> Result<u64> {
    u64::try_from(n).map_err(|_| Error::Corrupt(what))
}

/// # Errors
/// `Corrupt` for a negative number, or NULL.
pub fn required(row: &SqliteRow, column: &'static str) -> Result<u64> {
    optional(row, column)?.ok_or(Error::Corrupt(column))
}

/// # Errors
/// `Corrupt` for a negative number.
pub fn optional(row: &SqliteRow, column: &'static str) -> Result<Option<u64>> {
    row.try_get::<Option<i64>, _>(column)?.map(|n| to_u64(n, column)).transpose()
}
