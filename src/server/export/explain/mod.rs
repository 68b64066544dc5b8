//! Explains one record: why it is in a part, by which path, or which link is missing.
//!
//! The part is found as for an export. Every row in a set carries the number of the round that has added it, and with it the
//! step; from there the walk goes on to the row that the step started from, which an earlier round has added.

mod record;
mod walk;

use super::plan::UncountedPlan;
use super::request::ExportRequest;
use super::subset::extent;
use super::{Error, Result};
use crate::model::access::{Capability, Scope};
use crate::model::explanation::Explanation;
use crate::model::selection::Selection;
use crate::server::identity::Caller;
use crate::server::profile::{PlannedTable, Profile};
use crate::server::profiles;
use crate::server::selection::{FoundPart, Further, InvalidSelection, find_part};
use crate::server::source::Source;
pub use record::RecordKey;
use record::Scratch;
use walk::Walk;

/// Explains a record of the source. Blocks.
///
/// # Errors
/// `Forbidden`; `Selection` if the selection or the record does not exist, or the selection is the whole database; `Source`
/// or `Profile` if the source cannot be read or does not fit the profile.
pub fn explain_source(
    caller: &Caller,
    source: &dyn Source,
    profile: &Profile,
    selection: &Selection,
    key: &RecordKey,
) -> Result<Explanation> {
    caller.require(Capability::ExportDatabase, &Scope::WholeDatabase)?;
    let request = ExportRequest { selection: selection.clone(), ..ExportRequest::default() };
    let mut snapshot = source.begin_snapshot(extent(selection), &|_| ())?;
    let snapshot = &mut *snapshot;
    let catalog = snapshot.catalog()?;
    let profile = profiles::for_snapshot(profile, snapshot, &catalog)?;
    let planned = UncountedPlan::plan_tables(&catalog, &profile, &request)?;
    let scratch = Scratch::tables(&planned);
    let FoundPart { subset, filled, first_extra, .. } = find_part(
        &planned,
        &catalog,
        &profile,
        snapshot,
        selection,
        Further { tables: &scratch, keeps_rounds: true, only_keys: false },
    )?;
    let known = || planned.tables.iter().map(|planned| planned.scan.table.as_str());
    let unknown = || Error::Selection(InvalidSelection::unknown_table(key.table.as_str(), known()));
    let table = catalog.table(&key.table).filter(|_| planned.of(&key.table).is_some()).ok_or_else(unknown)?;
    // Whether a record with a key exists is for those to know who may see the key.
    let shows_key = |planned: &PlannedTable| planned.key.iter().all(|column| planned.keeps(column));
    if !planned.of(&key.table).is_some_and(shows_key) {
        return Err(Error::Selection(InvalidSelection::hidden_key(&key.table)));
    }
    let walk = Walk {
        snapshot,
        planned: &planned,
        profile: &profile,
        subset: &subset,
        rounds: &filled.rounds,
        scratch: Scratch::new(&planned, first_extra),
        scope: selection.scope().map(|(kind, _)| kind),
        asked: (table, key),
        reasons: Vec::new(),
    };
    walk.explain()
}
