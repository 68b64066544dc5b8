//! The proof: how a file is sealed, and how anybody checks the seal.
//!
//! Lives here: the layout's fixed lines, the streaming writer and the streaming verifier. Pure bytes
//! in, so server and browser run the same code. May import: `model`.
//! Flow: `Sealer` hashes what it writes and ends with the seal line; `Verifier` reads the same bytes
//! in pieces of any size, works out the seal line that they deserve, and compares.

mod flaw;
mod hash;
mod layout;
mod packing;
mod verifier;
mod writer;

pub use flaw::Flaw;
pub use hash::RunningHash;
pub use layout::{DATA_CLOSE, DATA_OPEN, METADATA_OPEN, TABLE_CLOSE, TABLE_CLOSE_LAST, table_open};
pub use packing::{GZIP_HEADER, Packing, ZSTD_HEADER};
pub use verifier::{Verified, Verifier};
pub use writer::{Error, Sealed, Sealer};
