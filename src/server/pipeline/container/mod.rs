//! Containers: what holds the encoded tables of an export together, and compresses it.
//!
//! May import: `seal`, `model`, `compress`. Flow: `open` opens the container that the output asks for; the channel gives it the
//! tables' bytes and the end of each table, in order; `finish` seals it. `ArchiveEntries` reads an archive again.

mod archive;
mod archive_entries;
mod document;
mod error;
mod folder;
mod members;
mod open;
mod parts;

use crate::model::name::TableName;
use crate::seal::DocumentSummary;

pub use archive::ArchiveWriter;
pub use archive_entries::{ArchiveEntries, ArchiveEntry};
pub use error::Error;
pub use folder::FolderWriter;
pub use members::MembersWriter;
pub use open::open;
pub use parts::PartsWriter;

/// What a container is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Bytes of the current table, as its encoder wrote them.
    Bytes(Vec<u8>),
    TableEnd {
        table: TableName,
        records: u64,
    },
}

/// Holds encoded tables together in one output. Dropped before `finish`, it leaves an output without a seal.
pub trait ContainerWriter<W> {
    /// Writes bytes of the current table.
    ///
    /// # Errors
    /// When the output cannot be written.
    fn write(&mut self, bytes: &[u8]) -> Result<(), Error>;

    /// Ends the current table and checks it against the metadata.
    ///
    /// # Errors
    /// When it is not the table or not the number of records that the metadata promises, or the output cannot be written.
    fn end_table(&mut self, table: TableName, records: u64) -> Result<(), Error>;

    /// Seals the output and returns it with its size.
    ///
    /// # Errors
    /// When a promised table is missing, or the output cannot be written.
    fn finish(self: Box<Self>) -> Result<(W, DocumentSummary), Error>;
}
