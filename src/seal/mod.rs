//! Sealing and verification of export files.
//!
//! Lives here: the layout's fixed lines, the streaming writer and the streaming verifier. They work on
//! bytes in memory, so server and browser run the same code. May import: `model`.
//! Flow: `DocumentWriter` hashes what it writes and ends with the seal line, signed if it has a signer; `Verifier`
//! reads the same bytes in pieces of any size, checks every record, computes the expected seal line and compares
//! it with the file's. `docs/format.md` describes the file.

mod compression_header;
#[cfg(any(feature = "ssr", feature = "verifier"))]
mod decompress;
mod hash;
mod layout;
mod record_checker;
mod signature;
mod verifier;
mod verify_error;
mod writer;

pub use compression_header::{DetectedCompression, GZIP_HEADER, ZSTD_HEADER};
#[cfg(any(feature = "ssr", feature = "verifier"))]
pub use decompress::{CompressedReader, CorruptStream, Decompressor, ZstdFrameDecoder};
pub use hash::{Digester, Digests, Sha256Digester};
pub use layout::{DATA_CLOSE, DATA_OPEN, METADATA_OPEN, TABLE_CLOSE, TABLE_CLOSE_LAST, field_prefix, table_opening};
pub use signature::{SealSigner, UncheckedSignature};
pub use verifier::{CheckUpdate, Verified, Verifier};
pub use verify_error::VerifyError;
pub use writer::{DocumentSummary, DocumentWriter, Error};
