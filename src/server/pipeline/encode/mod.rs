//! Encoders: rows in, bytes of one format out.

pub mod json;
mod lossless_json;
mod scalar;
