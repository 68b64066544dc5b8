//! About how many records a part has: told while they are looked for.

use std::collections::BTreeMap;

use super::{Error, Result};
use crate::model::name::TableName;
use crate::server::profile::PlannedTables;
use crate::server::rows::{KeySetId, Step};
use crate::server::source::Snapshot;
use crate::server::subset::{Statistics, SubsetPlan};

/// Gets about how many records of each table are in the part, before they are looked for.
pub type OnEstimate<'e> = dyn FnMut(&mut dyn Snapshot, &PlannedTables, &BTreeMap<TableName, u64>) -> Result<()> + 'e;

/// Estimates a part whose sets are empty, but for those in which the values of the filters were looked up. Blocks.
///
/// # Errors
/// `Source` if the database refuses a query.
pub fn estimate_part(
    snapshot: &mut dyn Snapshot,
    planned: &PlannedTables,
    subset: &SubsetPlan,
    named: &BTreeMap<String, Vec<KeySetId>>,
) -> Result<BTreeMap<TableName, u64>> {
    let rows = subset.estimate(&mut SnapshotStatistics { snapshot, planned }, named)?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate of a number")]
    Ok(rows.into_iter().map(|(table, rows)| (table, rows.round() as u64)).collect())
}

struct SnapshotStatistics<'s> {
    snapshot: &'s mut dyn Snapshot,
    planned: &'s PlannedTables,
}

#[expect(clippy::cast_precision_loss, reason = "statistics")]
impl Statistics for SnapshotStatistics<'_> {
    type Error = Error;

    fn rows(&mut self, table: &TableName) -> Result<f64> {
        let planned = self.planned.tables.iter().find(|planned| planned.scan.table == *table);
        planned.map_or(Ok(0.0), |planned| Ok(self.snapshot.estimate(&planned.scan)? as f64))
    }

    fn added_by(&mut self, step: &Step) -> Result<f64> {
        Ok(self.snapshot.estimate_step(step)? as f64)
    }
}
