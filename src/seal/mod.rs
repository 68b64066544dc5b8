//! The proof: how a file is sealed, and how anybody checks the seal.
//!
//! Lives here: the layout's fixed lines, the streaming writer and the streaming verifier. Pure bytes
//! in, so server and browser run the same code. May import: `model`.
//! Flow: `Sealer` hashes what it writes and ends with the seal line, signed where it has a signer; `Verifier`
//! reads the same bytes in pieces of any size, follows every record, works out the seal line that they deserve,
//! and compares. `docs/format.md` describes the file.

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
