//! The sample: its schemas, and the order in which its tables are filled.

use rusqlite::Transaction;

use super::known_users::KNOWN_USERS;
use super::spec::SampleSpec;
use super::users;
use super::writer::SampleWriter;
use crate::model::text;
use crate::server::profile::builtin::product::{InsertRecords, Records, Sample};

const SQLITE_SCHEMA: &str = include_str!("../../../../../../migrations/supportsignal/sqlite/0001_supportsignal.sql");
const POSTGRES_SCHEMA: &str =
    include_str!("../../../../../../migrations/supportsignal/postgres/0001_supportsignal.sql");

impl SampleSpec {
    /// The sample of this size and seed.
    #[must_use]
    pub fn sample(self) -> Sample {
        let incidents = text::count_with_noun(self.incidents, "incident");
        let participants = text::count_with_noun(self.participants, "participant");
        Sample {
            application: "supportsignal",
            summary: format!("{incidents}, {participants}, seed {}", self.seed),
            known_users: &KNOWN_USERS,
            postgres_schema: POSTGRES_SCHEMA,
            files: None,
            records: Records::Inserted { sqlite_schema: SQLITE_SCHEMA, by: Box::new(self) },
        }
    }
}

impl InsertRecords for SampleSpec {
    fn insert_records(&self, transaction: &Transaction<'_>, password: &str) -> rusqlite::Result<()> {
        let hashes = users::hash_passwords(password, self.seed);
        let writer = SampleWriter::new(transaction, self);
        writer.insert_companies()?;
        writer.insert_users(&hashes)?;
        writer.insert_credentials()?;
        writer.insert_participants()?;
        writer.insert_prompts()?;
        writer.insert_incidents()?;
        writer.insert_ai_runs()?;
        writer.insert_debug_logs()
    }
}
