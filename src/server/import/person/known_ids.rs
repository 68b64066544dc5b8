//! Finds out which ids of an archive records here have, and whether these are the importer's.

use super::super::Result;
use super::super::conversion::IdMap;
use super::table_shape::TableShape;
use crate::model::name::TableName;
use crate::server::source::{Lookups, RowLookup};

/// How many ids are looked up at once.
const BATCH: usize = 1_000;
const MAX_ID_BYTES: usize = 512;

/// Looks up ids, many at once.
pub struct KnownIds<'k> {
    database: &'k mut dyn Lookups,
    person: &'k str,
    tables: Vec<(&'k TableShape, Vec<String>)>,
    ids: &'k mut IdMap,
}

impl<'k> KnownIds<'k> {
    pub fn new(database: &'k mut dyn Lookups, person: &'k str, shapes: &'k [TableShape], ids: &'k mut IdMap) -> Self {
        Self { database, person, tables: shapes.iter().map(|shape| (shape, Vec::new())).collect(), ids }
    }

    pub fn look_up(&mut self, table: &TableName, id: &str) -> Result<()> {
        let Some(at) = self.tables.iter().position(|(shape, _)| shape.table == *table) else { return Ok(()) };
        // A record with a longer one is refused.
        if id.len() > MAX_ID_BYTES {
            return Ok(());
        }
        self.tables[at].1.push(id.to_owned());
        if self.tables[at].1.len() >= BATCH { self.look_up_batch(at) } else { Ok(()) }
    }

    pub fn finish(mut self) -> Result<()> {
        (0..self.tables.len()).try_for_each(|at| self.look_up_batch(at))
    }

    fn look_up_batch(&mut self, at: usize) -> Result<()> {
        let (shape, batch) = &mut self.tables[at];
        let Some(id) = shape.id.clone().filter(|_| !batch.is_empty()) else { return Ok(()) };
        let batch = std::mem::take(batch);
        let lookup = RowLookup { table: shape.table.clone(), key: id, columns: vec![shape.owner.clone()] };
        let mut known = Vec::new();
        self.database.find_rows(&lookup, &batch, &mut |at, columns| known.push((at, columns)))?;
        for (at, columns) in known {
            let is_own = columns.first().is_some_and(|owner| owner.as_deref() == Some(self.person));
            self.ids.add_known(&lookup.table, &batch[at], is_own)?;
        }
        Ok(())
    }
}
