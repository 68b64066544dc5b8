//! Values as `COPY … FROM STDIN` takes them.

use super::super::super::{Error, Kind};
use crate::model::name::TableName;
use crate::server::support::copy_text::{CopyText, CopyValue};

/// # Errors
/// What the text is, if PostgreSQL cannot store it.
pub fn check_text(text: &[u8]) -> std::result::Result<(), &'static str> {
    if text.contains(&0) {
        return Err("text with a NUL character, which PostgreSQL cannot store");
    }
    std::str::from_utf8(text).map(drop).map_err(|_| "text that is not UTF-8, which PostgreSQL cannot store")
}

/// Writes bytes as `bytea` reads them, after `\x` (PostgreSQL manual, 8.4.1).
pub fn write_hex(bytes: &[u8], rows: &mut CopyText) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        rows.write_text(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
}

/// A double with the names that PostgreSQL has for those that are no numbers.
pub struct Double(pub f64);

impl CopyValue for Double {
    fn write_to(&self, rows: &mut CopyText) {
        match self.0 {
            n if n.is_nan() => rows.write_text(b"NaN"),
            f64::INFINITY => rows.write_text(b"Infinity"),
            f64::NEG_INFINITY => rows.write_text(b"-Infinity"),
            n => n.write_to(rows),
        }
    }
}

/// Of a value that the database cannot have: its table, and the number of its record.
pub fn unfit_value((table, record): (&TableName, u64), what: &str) -> Error {
    Error::new(Kind::Refused, format!("record {record} of {table} does not fit the database: a value is {what}"))
}
