//! The lowest layer: time, randomness, password hashes, disk space, files and private
//! folders, locks, log set-up, the text of `COPY`.
//!
//! May import: `model`. Time and randomness are injected, so that tests control them; `clippy.toml` bans the globals
//! everywhere else.

pub mod atomic_file;
pub mod blob_folder;
pub mod clock;
pub mod copy_text;
pub mod disk;
pub mod password;
pub mod private_folder;
pub mod random;
pub mod sync;
pub mod telemetry;
