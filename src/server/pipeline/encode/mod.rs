//! Encoders: rows in, bytes of one format out.

mod embed;
pub mod json;
mod scalar;
