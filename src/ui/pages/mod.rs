//! The pages; folders mirror the URL paths. What pages share is beside them.

pub mod account;
pub mod admin;
mod file_check;
pub mod login;
pub mod not_found;
pub mod setup;
pub mod sign_in_context;
