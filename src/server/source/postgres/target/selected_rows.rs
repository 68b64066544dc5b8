//! The rows that the replacement of a part is about.

use super::super::super::{Result, SelectRows};
use super::super::key_sets::KeySets;
use super::super::search_paths::{APPLICATION_PATH, OWN_PATH};
use super::load::PostgresLoad;
use crate::server::rows::{KeySetId, NewKeySet, Round, Step};

impl SelectRows for PostgresLoad {
    fn create_key_sets(&mut self, new: &[NewKeySet]) -> Result<()> {
        self.key_sets = KeySets::create(&mut self.session, &self.schema, new)?;
        Ok(())
    }

    fn run_step(&mut self, step: &Step, round: Round) -> Result<u64> {
        self.session.execute(OWN_PATH)?;
        let added = self.key_sets.run(&mut self.session, &self.schema, step, round)?;
        // Before tables are prepared, nothing of the application runs.
        let path = if self.tables.is_empty() { OWN_PATH } else { APPLICATION_PATH };
        self.session.execute(path)?;
        Ok(added)
    }

    fn clear_key_set(&mut self, set: KeySetId) -> Result<()> {
        self.key_sets.clear(&mut self.session, set)
    }
}
