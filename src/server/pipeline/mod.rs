//! Turns rows into a sealed file: redact, encode, seal, compress. `decompress` decompresses it again.
//!
//! May import: `rows`, `seal`, `model`. Flow: a reader thread pushes rows into an encoder, whose bytes
//! go in chunks of 256 KiB through a bounded channel to the thread whose container hashes and writes them.

pub mod channel;
pub mod compress;
pub mod container;
pub mod decode;
pub mod decompress;
pub mod encode;
mod fill_columns;
pub mod hashing_thread;
pub mod progress;
pub mod redact;
mod verify;

pub use channel::{CHUNK_BYTES, CHUNKS_IN_FLIGHT, ChunkWriter, Error, run_pipeline};
pub use fill_columns::FillColumns;
pub use progress::ProgressCounter;
pub use verify::verify_content;
