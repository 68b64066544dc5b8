//! The records that a selection names, in sets of keys.

use std::collections::BTreeMap;

use super::fill::{FilledSets, fill};
use super::filter::Filters;
use super::invalid_selection::InvalidSelection;
use super::{Error, Result};
use crate::model::name::TableName;
use crate::model::selection::Selection;
use crate::server::profile::{PlannedTables, Profile};
use crate::server::profiles::reference_graph;
use crate::server::rows::{Catalog, ForeignKey, KeySetId, NewKeySet};
use crate::server::source::SelectRows;
use crate::server::subset::{Filter, Graph, Outside, SubsetPlan};

/// A part whose sets are filled.
pub struct FoundPart {
    pub subset: SubsetPlan,
    pub filled: FilledSets,
    /// The number of the first of the further sets.
    pub first_extra: usize,
}

/// What sets are needed for besides finding the part: a source creates all sets at once.
#[derive(Clone, Copy, Debug, Default)]
pub struct Further<'f> {
    /// Further sets are created of these tables.
    pub tables: &'f [TableName],
    /// Somebody asks when rows were added.
    pub keeps_rounds: bool,
    /// The values of filters are keys: a record of that name is not meant.
    pub only_keys: bool,
}

/// Finds the records of a selection that is not the whole database. Blocks.
///
/// # Errors
/// `Invalid` for a filter, a value or a table that does not exist; `Source` if the database refuses a step.
pub fn find_part(
    planned: &PlannedTables,
    catalog: &Catalog,
    profile: &Profile,
    rows: &mut dyn SelectRows,
    selection: &Selection,
    further: Further<'_>,
) -> Result<FoundPart> {
    let PreparedPart { subset, first_extra, .. } = prepare_part(planned, catalog, profile, rows, selection, further)?;
    let filled = fill(rows, &subset)?;
    Ok(FoundPart { subset, filled, first_extra })
}

/// Checks that everything exists that the selection names, without looking for its records. Blocks.
///
/// # Errors
/// As `find_part`.
pub fn check_selection(
    planned: &PlannedTables,
    catalog: &Catalog,
    profile: &Profile,
    rows: &mut dyn SelectRows,
    selection: &Selection,
) -> Result<()> {
    prepare_part(planned, catalog, profile, rows, selection, Further::default()).map(|_| ())
}

/// A part whose sets are there, and empty.
pub struct PreparedPart {
    pub subset: SubsetPlan,
    /// The sets that have the rows which each filter names.
    pub lookups: BTreeMap<String, Vec<KeySetId>>,
    pub first_extra: usize,
    pub graph: Graph,
    /// The references that leave stubs of what they lead to, with their tables.
    pub leaving_stubs: Vec<(TableName, ForeignKey)>,
}

/// Plans the part and creates its sets, empty.
///
/// # Errors
/// As `find_part`.
pub fn prepare_part(
    planned: &PlannedTables,
    catalog: &Catalog,
    profile: &Profile,
    rows: &mut dyn SelectRows,
    selection: &Selection,
    further: Further<'_>,
) -> Result<PreparedPart> {
    let graph = reference_graph(planned, catalog, profile, selection.scope().map(|(kind, _)| kind));
    check_owners(&graph, planned, catalog, profile)?;
    check_tables(&graph, selection)?;
    let filters = Filters::of(profile, catalog, selection)?;
    let unresolved = filters.unresolved();
    check_filters(&graph, &unresolved)?;
    check_stub_columns(catalog, profile)?;
    // Has the same sets as the plan of the resolved filters, which can only be looked up once there are sets.
    let shape = SubsetPlan::new(&graph, &unresolved, selection.tables.as_ref());
    check_reachable(&shape, profile, selection)?;
    let (repeated, looked_up) = (shape.repeated_sets(), shape.looked_up_sets());
    let mut referring = shape.referring_columns();
    let new_set = |(number, table): (usize, &TableName)| NewKeySet {
        table: table.clone(),
        referring: referring.remove(&KeySetId(number)).unwrap_or_default(),
        is_repeated: repeated.contains(&KeySetId(number)),
        is_looked_up: looked_up.contains(&KeySetId(number)),
        keeps_rounds: further.keeps_rounds,
    };
    // The sets in which the values of the filters are looked up come after those of the plan.
    let lookup_tables = filters.lookup_tables();
    let first_extra = shape.sets.len() + lookup_tables.len();
    let sets: Vec<NewKeySet> =
        shape.sets.iter().chain(&lookup_tables).chain(further.tables).enumerate().map(new_set).collect();
    rows.create_key_sets(&sets)?;
    let resolved = filters.resolve(rows, shape.sets.len(), further.only_keys)?;
    let subset = SubsetPlan::new(&graph, &resolved, selection.tables.as_ref());
    let leaving_stubs =
        graph.edges().filter(|edge| edge.reference.is_followed && edge.reference.outside == Outside::Stub);
    let leaving_stubs = leaving_stubs.map(|edge| (edge.child.clone(), edge.reference.key.clone())).collect();
    let lookups = filters.lookups(shape.sets.len());
    Ok(PreparedPart { subset, lookups, first_extra, graph, leaving_stubs })
}

/// A table whose owner nothing leads to would be whole in every part.
fn check_owners(graph: &Graph, planned: &PlannedTables, catalog: &Catalog, profile: &Profile) -> Result<()> {
    for table in planned.tables.iter().filter_map(|planned| catalog.table(&planned.scan.table)) {
        let keys = profile.references_of(table);
        for column in profile.owner_columns(&table.name) {
            let mut own = keys.iter().filter(|key| key.columns.contains(column)).peekable();
            let field = table.name.field(column);
            if own.peek().is_none() {
                return Err(Error::Invalid(InvalidSelection::owner_without_reference(&field)));
            }
            if let Some(key) = own.find(|key| !graph.contains(&key.target)) {
                return Err(Error::Invalid(InvalidSelection::owner_is_not_exported(&field, &key.target)));
            }
        }
    }
    Ok(())
}

fn check_tables(graph: &Graph, selection: &Selection) -> Result<()> {
    let unknown = selection.tables.iter().flatten().find(|table| !graph.contains(table));
    unknown.map_or(Ok(()), |table| {
        let known = graph.tables().map(TableName::as_str);
        Err(Error::Invalid(InvalidSelection::unknown_table(table.as_str(), known)))
    })
}

/// A scope has nothing of some tables, so nothing of them can be asked for.
fn check_reachable(shape: &SubsetPlan, profile: &Profile, selection: &Selection) -> Result<()> {
    let Some((kind, _)) = selection.scope() else { return Ok(()) };
    let outside = selection.tables.iter().flatten().find(|table| !shape.may_hold(table));
    outside.map_or(Ok(()), |table| Err(Error::Invalid(InvalidSelection::never_in_scope(table, kind, profile))))
}

fn check_stub_columns(catalog: &Catalog, profile: &Profile) -> Result<()> {
    match profile.unknown_stub_columns(catalog).first() {
        Some((rule, field)) => Err(Error::Invalid(InvalidSelection::no_stub_column(rule, field))),
        None => Ok(()),
    }
}

fn check_filters(graph: &Graph, filters: &[Filter]) -> Result<()> {
    let unknown = filters.iter().find(|filter| !graph.contains(&filter.table));
    unknown.map_or(Ok(()), |filter| {
        let known = graph.tables().map(TableName::as_str);
        Err(Error::Invalid(InvalidSelection::unknown_table(filter.table.as_str(), known)))
    })
}
