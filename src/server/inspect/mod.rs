//! Reads a file record by record, to query files too large to load.
//!
//! May import: `seal`, `model`. Flow: `DocumentReader::open` reads the metadata; `for_each_record` streams one table's
//! lines and skips the rest, `for_each_event` streams all of them; memory holds one record. `lines` gets them from the reader that the verifier uses, too, but does not
//! judge them: what is left of a damaged file can still be read.

mod document_reader;
mod error;
mod filter;
mod lines;

pub use document_reader::{DataEvent, DocumentReader, Record};
pub use error::Error;
pub use filter::RecordFilter;
