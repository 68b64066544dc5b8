//! Which rows a replacement is about.

use super::super::super::{Result, SelectRows};
use super::super::key_sets::{KeySets, clear};
use super::load::SqliteLoad;
use crate::server::rows::{KeySetId, NewKeySet, Round, Step};

impl SelectRows for SqliteLoad {
    fn create_key_sets(&mut self, new: &[NewKeySet]) -> Result<()> {
        self.key_sets = KeySets::create(&self.connection, new)?;
        Ok(())
    }

    fn run_step(&mut self, step: &Step, round: Round) -> Result<u64> {
        self.key_sets.run(&self.connection, step, round)
    }

    fn clear_key_set(&mut self, set: KeySetId) -> Result<()> {
        clear(&self.connection, set)
    }
}
