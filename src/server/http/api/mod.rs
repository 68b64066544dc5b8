//! The REST endpoints, one folder per version of their addresses.

pub mod v1;
