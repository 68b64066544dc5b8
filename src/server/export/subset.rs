//! The part of the database that a selection names: which filters it has, and the sets of keys that hold its rows.

use std::collections::BTreeMap;

use super::filter::Filters;
use super::invalid_selection::InvalidSelection;
use super::{Error, Result};
use crate::model::manifest::SelectedRecords;
use crate::model::name::TableName;
use crate::model::ordered_map::OrderedMap;
use crate::model::selection::Selection;
use crate::server::profile::{PlannedTables, Profile};
use crate::server::rows::{Catalog, KeySetId, Restriction, Scan, Table};
use crate::server::source::{Extent, Snapshot};
use crate::server::subset::{Filter, Graph, Membership, Reference, SetStep, SubsetPlan, Via};

/// What a snapshot must be opened for.
pub fn extent(selection: &Selection) -> Extent {
    if selection.is_whole_database() { Extent::WholeTables } else { Extent::Parts }
}

/// Restricts a plan to the selection: fills the sets in the snapshot, and leaves out tables that were not asked for and of
/// which nothing comes along. Returns how many records of each table are in for which reason; nothing for a selection of
/// the whole database. Blocks.
///
/// # Errors
/// `Selection` for a filter, a value or a table that does not exist; `Source` if the database refuses a step.
pub fn restrict(
    planned: &mut PlannedTables,
    catalog: &Catalog,
    profile: &Profile,
    snapshot: &mut dyn Snapshot,
    selection: &Selection,
) -> Result<OrderedMap<TableName, SelectedRecords>> {
    if selection.is_whole_database() {
        return Ok(OrderedMap::default());
    }
    let graph = graph(planned, catalog, profile);
    check_owners(&graph, planned, catalog, profile)?;
    check_tables(&graph, selection)?;
    let filters = Filters::of(profile, catalog, selection)?;
    let unresolved = filters.unresolved();
    check_filters(&graph, &unresolved)?;
    // Has the same sets as the plan of the resolved filters, which can only be looked up once there are sets.
    let shape = SubsetPlan::new(&graph, &unresolved, selection.tables.as_ref());
    // The sets in which the values of the filters are looked up come after those of the plan.
    let lookups = filters.lookup_tables();
    let tables: Vec<TableName> = shape.sets.iter().chain(&lookups).cloned().collect();
    snapshot.create_key_sets(&tables)?;
    let resolved = filters.resolve(snapshot, shape.sets.len())?;
    let subset = SubsetPlan::new(&graph, &resolved, selection.tables.as_ref());
    let came_along = fill(snapshot, &subset)?;
    let mut records = OrderedMap::default();
    let mut kept = Vec::new();
    for mut table in std::mem::take(&mut planned.tables) {
        let (scan, total) = restricted(snapshot, &table.scan, subset.tables[&table.scan.table])?;
        let came_along = came_along.get(&scan.table).copied().unwrap_or(0);
        let is_asked_for = selection.tables.as_ref().is_none_or(|tables| tables.contains(&scan.table));
        if is_asked_for || total > 0 {
            let selected = SelectedRecords { asked_for: total - came_along, came_along };
            records.0.push((scan.table.clone(), selected));
            table.scan = scan;
            kept.push(table);
        }
    }
    planned.tables = kept;
    Ok(records)
}

/// A table whose owner nothing leads to would be whole in every part.
fn check_owners(graph: &Graph, planned: &PlannedTables, catalog: &Catalog, profile: &Profile) -> Result<()> {
    for table in planned.tables.iter().filter_map(|planned| catalog.table(&planned.scan.table)) {
        let keys = profile.references_of(table);
        for column in profile.owner_columns(&table.name) {
            let mut own = keys.iter().filter(|key| key.columns.contains(column)).peekable();
            let field = table.name.field(column);
            if own.peek().is_none() {
                return Err(Error::Selection(InvalidSelection::owner_without_reference(&field)));
            }
            if let Some(key) = own.find(|key| !graph.contains(&key.target)) {
                return Err(Error::Selection(InvalidSelection::owner_is_not_exported(&field, &key.target)));
            }
        }
    }
    Ok(())
}

/// The tables that are exported, and the references between them.
fn graph(planned: &PlannedTables, catalog: &Catalog, profile: &Profile) -> Graph {
    let mut graph = Graph::default();
    for table in &planned.tables {
        let name = &table.scan.table;
        let references = catalog.table(name).map_or_else(Vec::new, |table| references(profile, table));
        graph.add(name.clone(), references, profile.owner_columns(name).to_vec());
    }
    graph
}

fn references(profile: &Profile, table: &Table) -> Vec<Reference> {
    let keys = profile.references_of(table).into_iter();
    keys.map(|key| Reference { is_owner: profile.is_owner(&table.name, &key), is_followed: true, key }).collect()
}

fn check_tables(graph: &Graph, selection: &Selection) -> Result<()> {
    let unknown = selection.tables.iter().flatten().find(|table| !graph.contains(table));
    unknown.map_or(Ok(()), |table| {
        let known = graph.tables().map(TableName::as_str);
        Err(Error::Selection(InvalidSelection::unknown_table(table.as_str(), known)))
    })
}

fn check_filters(graph: &Graph, filters: &[Filter]) -> Result<()> {
    let unknown = filters.iter().find(|filter| !graph.contains(&filter.table));
    unknown.map_or(Ok(()), |filter| {
        let known = graph.tables().map(TableName::as_str);
        Err(Error::Selection(InvalidSelection::unknown_table(filter.table.as_str(), known)))
    })
}

/// Runs the plan, and returns how many rows of each table came along.
fn fill(snapshot: &mut dyn Snapshot, subset: &SubsetPlan) -> Result<BTreeMap<TableName, u64>> {
    let mut came_along = BTreeMap::new();
    let mut run = |step: &SetStep| -> Result<u64> {
        let added = snapshot.run_step(&step.step)?;
        if matches!(step.via, Via::Reference { .. }) {
            *came_along.entry(subset.sets[step.step.into.0].clone()).or_default() += added;
        }
        Ok(added)
    };
    for stage in &subset.stages {
        loop {
            let mut added = 0;
            for step in &stage.steps {
                added += run(step)?;
            }
            if added == 0 || !stage.is_repeated {
                break;
            }
        }
    }
    Ok(came_along)
}

/// The scan of the rows that are in, and their number. A set that holds every row of its table restricts nothing.
fn restricted(snapshot: &mut dyn Snapshot, scan: &Scan, membership: Membership) -> Result<(Scan, u64)> {
    let whole = snapshot.count(scan)?;
    let Membership::Keys(KeySetId(set)) = membership else { return Ok((scan.clone(), whole)) };
    let part = Scan { restrict: Restriction::Keys(KeySetId(set)), ..scan.clone() };
    let total = snapshot.count(&part)?;
    Ok(if total == whole { (scan.clone(), whole) } else { (part, total) })
}
