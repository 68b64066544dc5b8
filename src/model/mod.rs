//! The words: plain data and pure rules that browser and server share.
//!
//! Lives here: what travels between page, server and file. May import: nothing of ours.
//! Flow: every other module speaks in these types; none of them does any work.

pub mod access;
pub mod catalog;
pub mod drift;
pub mod error;
pub mod export;
pub mod form_problem;
pub mod history;
pub mod manifest;
pub mod ordered;
pub mod redaction;
pub mod text;

pub use error::ApiError;
