//! Sealing and verification of export files.
//!
//! Lives here: digests, signatures, and the document with its writer, reader and verifier. They work on bytes in memory, so
//! server and browser run the same code. May import: `model`.
//! Flow: `DocumentWriter` hashes what it writes and ends with the seal line, signed if it has a signer; `Verifier`
//! reads the same bytes in pieces of any size, checks every record, computes the expected seal line and compares
//! it with the file's. `docs/format.md` describes the file.

pub mod archive;
mod compression_header;
#[cfg(any(feature = "ssr", feature = "verifier"))]
pub mod decompress;
mod document;
mod file_verifier;
pub mod folder;
mod hash;
mod members;
mod signature;
mod verify_error;

pub use compression_header::{DetectedCompression, GZIP_HEADER, ZSTD_HEADER};
pub use document::layout;
pub use document::{
    CheckUpdate, DocumentSummary, DocumentVersion, DocumentWriter, Error, Event, EventReader, MAX_METADATA_BYTES,
    ReadError, Verified, Verifier, VersionStatus,
};
pub use file_verifier::FileVerifier;
pub use hash::{Digester, Digests, Sha256Digester};
pub use signature::{SealSigner, UncheckedSignature};
pub use verify_error::VerifyError;
