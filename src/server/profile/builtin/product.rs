//! What a product's folder provides.

use rusqlite::Transaction;

/// One application: its profile, its part of the analysis guide, its sample data.
#[derive(Debug)]
pub struct Product {
    /// The name of the built-in profile.
    pub name: &'static str,
    /// The profile, in TOML.
    pub profile: &'static str,
    /// Examples and prompts for the analysis guide, in Markdown, separated by a line of dashes.
    pub guide: &'static str,
    pub sample: SampleData,
}

/// How a product's sample is made. Both schemas have the same tables with the same columns in the same order.
#[derive(Debug)]
pub struct SampleData {
    pub sqlite_schema: &'static str,
    pub postgres_schema: &'static str,
    /// The users whose password is known.
    pub known_users: &'static [KnownUser],
    /// Inserts all records into the empty tables of the `SQLite` schema. The same spec gives the same records, except for
    /// the users' password hashes.
    pub insert_records: fn(&Transaction<'_>, &SampleSpec, password: &str) -> rusqlite::Result<()>,
}

#[derive(Debug)]
pub struct KnownUser {
    pub role: &'static str,
    pub email: &'static str,
    pub name: &'static str,
}

/// Size and seed of a sample.
#[derive(Clone, Debug)]
pub struct SampleSpec {
    pub incidents: u64,
    pub participants: u64,
    pub seed: u64,
}
