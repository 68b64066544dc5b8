//! Turns rows into a sealed file: redact, encode, seal, compress. `unpack` decompresses it again.
//!
//! May import: `rows`, `seal`, `model`. Flow: a reader thread pushes rows into an encoder, whose bytes
//! go in chunks of 256 KiB through a bounded channel to the thread that hashes and writes them.

pub mod belt;
pub mod compress;
pub mod encode;
pub mod hashing_thread;
pub mod meter;
pub mod redact;
pub mod unpack;

pub use belt::{Belt, CHUNK_BYTES, CHUNKS_IN_FLIGHT, Error, convey};
pub use meter::Meter;
