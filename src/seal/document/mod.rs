//! The document: all tables in one JSON file, with its frame, its records and its seal.
//!
//! May import: `hash`, `signature`, `verify_error`, `model`. Flow: `layout` spells the bytes. `DocumentWriter` hashes what it
//! writes and ends with the seal line. `EventReader` says what each line of a file is; `Verifier` stands on it, checks every
//! record with `record`, computes the expected seal line and compares it with the file's.

mod expected;
pub mod layout;
mod metadata_check;
mod reader;
mod record;
mod seal_mismatch;
mod verified;
mod verifier;
mod version;
mod writer;

pub use reader::{Event, EventReader, MAX_METADATA_BYTES, ReadError};
pub use verified::{CheckUpdate, Verified};
pub use verifier::Verifier;
pub use version::{DocumentVersion, VersionStatus};
pub use writer::{DocumentSummary, DocumentWriter, Error};
