//! Values as YAML that every reader takes for the same: of YAML 1.1 and 1.2.
//!
//! `write` writes a small part of YAML, one key a line; `read` takes exactly that part, and nothing else.

mod plain;
mod read;
mod write;

pub use read::{Content, Error, Line, Lines, is_number, read_value};
pub use write::{ValueKind, pad, write_entry, write_key, write_name, write_text, write_value};
