//! Which records are in the database under another key, as a digest: it decides where new records refer to.

use sha2::{Digest, Sha256};

use crate::model::import_plan::ValueRule;
use crate::model::name::TableName;
use crate::server::rows::{RowSink, Stopped, Value};

/// Gets the pairs of keys.
#[derive(Default)]
pub struct MatchDigest(Sha256);

impl MatchDigest {
    pub fn into_rule(self, table: &TableName) -> ValueRule {
        let name = format!("which records of {table} are there under another key");
        ValueRule { name, sha256: hex::encode(self.0.finalize()) }
    }
}

impl RowSink for MatchDigest {
    fn push_value(&mut self, value: Value<'_>) -> Result<(), Stopped> {
        let text = format!("{value:?}");
        self.0.update((text.len() as u64).to_be_bytes());
        self.0.update(text);
        Ok(())
    }

    fn end_row(&mut self) -> Result<(), Stopped> {
        Ok(())
    }
}
