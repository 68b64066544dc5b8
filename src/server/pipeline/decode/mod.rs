//! Decoders: records of one format in, values out. The inverse of `encode`.
//!
//! May import: `rows`, `model`. Flow: `RecordDecoder` knows a table's columns and pushes the values of each record into any
//! `RowSink`, as its source pushed them into the encoder.

mod json;
mod long_text;

pub use json::RecordDecoder;

/// Why a record cannot be decoded.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("it is not an object with the columns that the metadata lists")]
    NotARecord,
    /// The value is none that the column's codec writes.
    #[error("the value of {column} is not {expected}")]
    InvalidValue { column: String, expected: &'static str },
    /// The sink has stopped, and holds the reason.
    #[error("stopped")]
    Stopped,
}
