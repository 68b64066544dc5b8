//! From rows to a sealed file: redact, encode, convey, seal, compress; `unpack` reads it back.
//!
//! May import: `rows`, `seal`, `model`. Flow: a reader thread pushes rows into an encoder, whose
//! bytes travel in chunks of 256 KiB over a bounded belt to the thread that hashes and writes them.

pub mod belt;
pub mod compress;
pub mod encode;
pub mod hashing_thread;
pub mod meter;
pub mod redact;
pub mod unpack;

pub use belt::{Belt, CHUNK_BYTES, CHUNKS_IN_FLIGHT, Error, convey};
pub use meter::Meter;
