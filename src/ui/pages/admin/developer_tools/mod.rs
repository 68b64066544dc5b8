//! Tools for whoever looks after the application's data.

pub mod export;
