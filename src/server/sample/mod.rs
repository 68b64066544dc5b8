//! Sample databases of any size, with the records that a product of `profile::builtin` makes up.
//!
//! May import: `profile::builtin`, `source` (the PostgreSQL client), `support`. Flow: `generate` writes an SQLite file
//! (`sqlite`) and renames it into place; `generate_in_postgres` copies tables into a database: rows that the product makes
//! in the form of `COPY`, or those of such a file; `write_files` writes the files that records refer to. Indexes and constraints are built last (this keeps a million records
//! fast and memory flat).

mod error;
mod files;
mod postgres;
mod postgres_schema;
mod sqlite;

pub use error::Error;
pub use files::{default_folder, write_files};
pub use postgres::generate_in_postgres;
pub use sqlite::{generate, password_file};
