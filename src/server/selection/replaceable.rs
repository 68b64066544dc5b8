//! What a replacement of a selection's records is about: the records that are asked for, and nothing that only came along.

use std::collections::BTreeMap;

use super::Result;
use super::fill::fill_named;
use super::find::{Further, PreparedPart, prepare_part};
use crate::model::name::TableName;
use crate::model::selection::Selection;
use crate::server::profile::{PlannedTables, Profile};
use crate::server::rows::{Catalog, KeySetId};
use crate::server::source::SelectRows;
use crate::server::subset::{Graph, Membership, SubsetPlan};

/// Which records of a table may be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replaceable {
    All,
    /// Those in the set.
    Keys(KeySetId),
    Nothing,
}

/// What may be replaced of a database.
pub struct ReplaceablePart {
    pub tables: BTreeMap<TableName, Replaceable>,
    /// How many records of each table the selection names.
    named: BTreeMap<TableName, u64>,
    subset: SubsetPlan,
}

impl ReplaceablePart {
    /// How many records of a table the selection has named.
    #[must_use]
    pub fn named(&self, table: &TableName) -> u64 {
        self.named.get(table).copied().unwrap_or_default()
    }

    /// How many records of each table it names now. The sets are others then.
    ///
    /// # Errors
    /// `Source` if the database refuses a step.
    pub fn count_again(&self, rows: &mut dyn SelectRows) -> Result<BTreeMap<TableName, u64>> {
        (0..self.subset.sets.len()).try_for_each(|set| rows.clear_key_set(KeySetId(set)))?;
        count_named(rows, &self.subset)
    }
}

fn count_named(rows: &mut dyn SelectRows, subset: &SubsetPlan) -> Result<BTreeMap<TableName, u64>> {
    let filled = fill_named(rows, subset)?;
    Ok(filled.records.into_iter().map(|(table, records)| (table, records.asked_for)).collect())
}

/// Finds what may be replaced of each table. Blocks.
///
/// A table that no filter reaches is in the part whole, and everybody's: it is replaced only if tables are all that was chosen. What an
/// organisation shares with others, such as the accounts of its members, is theirs as well.
///
/// # Errors
/// As `find_part`.
pub fn find_replaceable(
    planned: &PlannedTables,
    catalog: &Catalog,
    profile: &Profile,
    rows: &mut dyn SelectRows,
    selection: &Selection,
) -> Result<ReplaceablePart> {
    let prepared =
        prepare_part(planned, catalog, profile, rows, selection, Further { only_keys: true, ..Further::default() })?;
    let PreparedPart { subset, graph, .. } = prepared;
    let named = count_named(rows, &subset)?;
    let has_filters = selection.scope().is_some() || !selection.filters.is_empty();
    let is_shared = shared_tables(&graph, profile, selection);
    let replaceable = |(table, membership): (&TableName, Membership)| {
        let replaceable = match membership {
            Membership::Whole if has_filters => Replaceable::Nothing,
            Membership::Whole => Replaceable::All,
            Membership::Keys(_) if is_shared(table) => Replaceable::Nothing,
            Membership::Keys(set) => Replaceable::Keys(set),
        };
        (table.clone(), replaceable)
    };
    let tables = subset.tables.iter().map(|(table, part)| replaceable((table, part.rows))).collect();
    Ok(ReplaceablePart { tables, named, subset })
}

/// The tables of which a scope has records only since others of it refer to them.
fn shared_tables(graph: &Graph, profile: &Profile, selection: &Selection) -> impl Fn(&TableName) -> bool {
    let scope = selection.scope().and_then(|(kind, _)| profile.scopes.of(kind));
    let owned = scope.map(|scope| graph.owned_by(&scope.table));
    move |table| owned.as_ref().is_some_and(|owned| !owned.contains(table))
}
