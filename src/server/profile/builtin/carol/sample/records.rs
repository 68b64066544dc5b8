//! The sample: its schemas, and the order in which its tables are filled.

use rusqlite::Transaction;

use super::accounts;
use super::files::sample_files;
use super::known_users::KNOWN_USERS;
use super::spec::SampleSpec;
use super::writer::SampleWriter;
use crate::model::text;
use crate::server::profile::builtin::product::{InsertRecords, Records, Sample};

const SQLITE_SCHEMA: &str = include_str!("../../../../../../migrations/carol/sqlite/0001_carol.sql");
const POSTGRES_SCHEMA: &str = include_str!("../../../../../../migrations/carol/postgres/0001_carol.sql");

impl SampleSpec {
    /// The sample of this size and seed.
    #[must_use]
    pub fn sample(self) -> Sample {
        let users = text::count_with_noun(self.users, "user");
        Sample {
            application: "carol",
            summary: format!("{users} with {} people each, seed {}", text::count(self.people), self.seed),
            known_users: &KNOWN_USERS,
            postgres_schema: POSTGRES_SCHEMA,
            files: Some(sample_files(&self)),
            records: Records::Inserted { sqlite_schema: SQLITE_SCHEMA, by: Box::new(self) },
        }
    }
}

impl InsertRecords for SampleSpec {
    fn insert_records(&self, transaction: &Transaction<'_>, password: &str) -> rusqlite::Result<()> {
        let hash = accounts::hash_password(password, self.seed);
        let writer = SampleWriter::new(transaction, self);
        for owner in writer.owners() {
            writer.insert_account(owner, &hash)?;
            writer.insert_media(owner)?;
            writer.insert_network(owner)?;
            writer.insert_career(owner)?;
            writer.insert_notes(owner)?;
        }
        Ok(())
    }
}
