//! The pages; folders mirror the addresses.

pub mod admin;
pub mod login;
pub mod not_found;
pub mod setup;
