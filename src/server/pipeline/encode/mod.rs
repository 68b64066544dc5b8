//! Encoders: rows in, bytes of one format out.
//!
//! May import: `rows`, `seal`, `model`, the channel and the progress. Flow: `by_format` makes the run's encoder; for each table it is
//! told to begin, gets the rows as any `RowSink`, and is told to end. What lies between tables is the container's.

mod by_format;
pub mod json;
mod size_sampler;

use super::ChunkWriter;
use crate::server::rows::{RowSink, Scan, Stopped};

pub use by_format::by_format;
pub use size_sampler::SizeSampler;

/// Encodes tables, one after the other. It gets every value of an export by a virtual call, so what it does for one must not
/// make another.
///
/// Tables and records are counted with a `RecordCounter`.
pub trait Encoder: RowSink {
    /// Begins a table, whose rows follow.
    ///
    /// # Errors
    /// `Stopped` when the output takes no more bytes.
    fn begin_table(&mut self, scan: &Scan) -> Result<(), Stopped>;

    /// Ends the table and returns its number of records.
    ///
    /// # Errors
    /// As `begin_table`.
    fn end_table(&mut self) -> Result<u64, Stopped>;

    /// Where the encoded bytes go.
    fn out(&mut self) -> &mut ChunkWriter;

    /// The number of bytes written before each record of a table but the first, to separate them.
    fn separator_bytes(&self) -> usize;
}
