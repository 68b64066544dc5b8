//! Tools for administrators of the application's data.

pub mod export;
mod file_check;
pub mod import;
