//! The floor under everything: time, randomness, stored passwords, free disk space, folders of our own, log set-up.
//!
//! May import: `model`. Time and randomness are values that are handed in, so that tests own them;
//! `clippy.toml` bans the globals everywhere else.

pub mod clock;
pub mod disk;
pub mod own_folder;
pub mod password;
pub mod random;
pub mod telemetry;
