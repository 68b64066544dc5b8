//! The pages; folders mirror the URL paths.

pub mod account;
pub mod admin;
pub mod login;
pub mod not_found;
pub mod setup;
pub mod sign_in_context;
