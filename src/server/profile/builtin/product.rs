//! What a product's folder provides.

use rusqlite::Transaction;

use crate::server::support::copy_text::CopyText;

/// One application: its profile, and its part of the analysis guide.
#[derive(Debug)]
pub struct Product {
    /// The name of the built-in profile.
    pub name: &'static str,
    /// The profile, in TOML.
    pub profile: &'static str,
    /// Examples and prompts for the analysis guide, in Markdown, separated by a line of dashes.
    pub guide: &'static str,
    /// The documents in which the product itself exports an organisation, in TOML.
    pub layout: Option<&'static str>,
}

/// The sample of a product, of a certain size and seed. The same size and seed give the same records, except for the
/// users' password hashes.
pub struct Sample {
    /// The product's name.
    pub application: &'static str,
    /// Size and seed, in words: "500 incidents, 100 participants, seed 1".
    pub summary: String,
    /// The users whose password is known.
    pub known_users: &'static [KnownUser],
    pub postgres_schema: &'static str,
    /// The files that records refer to.
    pub files: Option<SampleFiles>,
    pub records: Records,
}

/// The files of a sample, made one by one.
pub struct SampleFiles {
    pub count: u64,
    pub make: Box<dyn Fn(u64) -> SampleFile>,
}

/// A file of the folder in which the application keeps what its users upload.
pub struct SampleFile {
    pub name: String,
    pub content: Vec<u8>,
}

/// How the records of a sample are written.
pub enum Records {
    /// Inserted into `SQLite`, from where they are copied to PostgreSQL. Both schemas have the same tables with the same
    /// columns in the same order.
    Inserted { sqlite_schema: &'static str, by: Box<dyn InsertRecords> },
    /// Copied to PostgreSQL, table by table: the application knows no other engine.
    Copied(Box<dyn CopyRecords>),
}

/// Inserts the records of a sample.
pub trait InsertRecords {
    /// Inserts all records into the empty tables.
    ///
    /// # Errors
    /// If `SQLite` cannot write them.
    fn insert_records(&self, transaction: &Transaction<'_>, password: &str) -> rusqlite::Result<()>;
}

/// Makes the rows of a sample in the form that PostgreSQL copies.
pub trait CopyRecords {
    /// Returns every table. No table of the schema is left out.
    fn tables(&self, password: &str) -> Vec<TableRows>;
}

/// The rows of a table, made step by step, so that their number needs no memory.
pub struct TableRows {
    pub table: &'static str,
    pub steps: u64,
    pub write: WriteRows,
}

/// Writes the rows of one step: none, one or a few.
pub type WriteRows = Box<dyn Fn(u64, &mut CopyText)>;

#[derive(Debug)]
pub struct KnownUser {
    pub role: &'static str,
    pub email: &'static str,
    pub name: &'static str,
}
