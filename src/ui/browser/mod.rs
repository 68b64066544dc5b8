//! Wrappers of browser APIs. Called from effects and event handlers, never while rendering.
//!
//! May import: `model`, `seal`. Flow: each file wraps one browser API in small functions.

mod address;
mod clipboard;
mod download;
mod file_check;
mod run_events;
mod signature;

pub use address::address;
pub use clipboard::copy;
pub use download::{cancel, download};
pub use file_check::{check, dropped_file, picked_file};
pub use run_events::follow;
pub use signature::is_signed;
