//! Nested documents, as a product itself writes them, in flat memory.
//!
//! May import: `seal` (the folder of an archive's files), `profile` (the layout), `pipeline` (values as JSON, redaction), `source`, `rows`, `model`. Flow:
//! `LayoutWriter::open` opens a cursor for each table of each document, ordered as the documents are; `write_document` merges
//! them: what is nested in a record follows in its own cursor, so that only a few rows of each are in memory;
//! `finish` checks that everything was written. `DocumentReader` reads the records of a YAML document again.

mod cursor;
mod encoder;
mod error;
mod format;
mod key_style;
mod media_path;
mod reader;
mod writer;
pub mod yaml;

pub use cursor::Reading;
pub use error::Error;
pub use format::DocumentFormat;
pub use key_style::key;
pub use media_path::media_path;
pub use reader::{DocumentReader, DocumentRecord, ReadError};
pub use writer::{LayoutWriter, Tables};
