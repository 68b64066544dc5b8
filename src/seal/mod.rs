//! Sealing and verification of export files.
//!
//! Lives here: the layout's fixed lines, the streaming writer and the streaming verifier. They work on
//! bytes in memory, so server and browser run the same code. May import: `model`.
//! Flow: `Sealer` hashes what it writes and ends with the seal line, signed if it has a signer; `Verifier`
//! reads the same bytes in pieces of any size, checks every record, computes the expected seal line and compares
//! it with the file's. `docs/format.md` describes the file.

mod flaw;
mod hash;
mod layout;
mod packing;
mod record;
mod signature;
#[cfg(any(feature = "ssr", feature = "verifier"))]
mod unpack;
mod verifier;
mod writer;

pub use flaw::Flaw;
pub use hash::{Digester, Digests, Hasher};
pub use layout::{DATA_CLOSE, DATA_OPEN, METADATA_OPEN, TABLE_CLOSE, TABLE_CLOSE_LAST, field_open, table_open};
pub use packing::{GZIP_HEADER, Packing, ZSTD_HEADER};
pub use signature::{Sign, Signed};
#[cfg(any(feature = "ssr", feature = "verifier"))]
pub use unpack::{BadPacking, Raw, Unpacker, ZstdFrame};
pub use verifier::{Check, Verified, Verifier};
pub use writer::{Error, Sealed, Sealer};
