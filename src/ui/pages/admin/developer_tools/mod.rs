//! Tools for administrators of the application's data.

pub mod export;
pub mod import;
