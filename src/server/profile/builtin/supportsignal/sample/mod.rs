//! A realistic incident-reporting database of any size, the same for the same seed.
//!
//! May import: `profile::builtin`'s `product` and `seeded_random`, `support`. Flow: `insert_records` makes a `SampleWriter`, whose
//! methods insert the tables, one file for each subject.

mod ai_runs;
mod analysis;
mod companies;
mod credentials;
mod incidents;
mod known_users;
mod participants;
mod prompts;
mod questions;
mod texts;
mod users;
mod writer;

use rusqlite::Transaction;

use crate::server::profile::builtin::product::SampleSpec;
pub use known_users::KNOWN_USERS;
use writer::SampleWriter;

/// Inserts all records of a sample.
///
/// # Errors
/// If `SQLite` cannot write them.
pub fn insert_records(transaction: &Transaction<'_>, spec: &SampleSpec, password: &str) -> rusqlite::Result<()> {
    let hashes = users::hash_passwords(password, spec.seed);
    let writer = SampleWriter::new(transaction, spec);
    writer.insert_companies()?;
    writer.insert_users(&hashes)?;
    writer.insert_credentials()?;
    writer.insert_participants()?;
    writer.insert_prompts()?;
    writer.insert_incidents()?;
    writer.insert_ai_runs()?;
    writer.insert_debug_logs()
}
