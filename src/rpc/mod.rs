//! The seam: functions that the page calls and the server runs.
//!
//! May import: `model`; in bodies only `server::context`. Flow: each body names one use case; the
//! context finds the caller and turns an error into what a client may know.

mod error;
pub mod export;
pub mod history;
mod json;
pub mod session;
