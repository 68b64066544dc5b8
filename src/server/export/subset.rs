//! The part of the database that a selection names: which filters it has, and the sets of keys that hold its rows.

use super::filter::Filters;
use super::invalid_selection::InvalidSelection;
use super::key_sets::{FilledSets, fill};
use super::{Error, Result};
use crate::model::manifest::SelectedRecords;
use crate::model::name::TableName;
use crate::model::ordered_map::OrderedMap;
use crate::model::selection::Selection;
use crate::server::profile::{PlannedTable, PlannedTables, Profile};
use crate::server::profiles::reference_graph;
use crate::server::rows::{Catalog, ForeignKey, KeySetId, NewKeySet, Restriction, Scan};
use crate::server::source::{Extent, Snapshot};
use crate::server::subset::{Filter, Graph, Membership, Part, SubsetPlan};

/// What a snapshot must be opened for.
pub fn extent(selection: &Selection) -> Extent {
    if selection.is_whole_database() { Extent::WholeTables } else { Extent::Parts }
}

/// How many records a part has; nothing for the whole database.
#[derive(Clone, Debug, Default)]
pub struct PartCounts {
    /// How many records of each table are in for which reason.
    pub selected: OrderedMap<TableName, SelectedRecords>,
    /// All records of all planned tables.
    pub database_records: u64,
    /// Whether a filter names any record. One that reaches no table of the selection names none.
    pub has_match: bool,
}

/// Restricts a plan to the selection: fills the sets in the snapshot, and leaves out tables that were not asked for and of
/// which nothing comes along. Blocks.
///
/// # Errors
/// `Selection` for a filter, a value or a table that does not exist; `Source` if the database refuses a step.
pub fn restrict(
    planned: &mut PlannedTables,
    catalog: &Catalog,
    profile: &Profile,
    snapshot: &mut dyn Snapshot,
    selection: &Selection,
) -> Result<PartCounts> {
    if selection.is_whole_database() {
        return Ok(PartCounts::default());
    }
    let FoundPart { subset, filled, .. } = find_part(planned, catalog, profile, snapshot, selection, &[])?;
    let mut records = filled.records;
    let stub_columns = StubColumns { catalog, profile, references: all_references(catalog, profile) };
    let mut counts = PartCounts { has_match: selection.filters.is_empty(), ..PartCounts::default() };
    for mut table in std::mem::take(&mut planned.tables) {
        let name = table.scan.table.clone();
        let part = &subset.tables[&name];
        let mut counted = records.remove(&name).unwrap_or_default();
        let found = restrict_table(&mut table, part, snapshot, &stub_columns)?;
        counts.database_records += found.whole;
        counted.asked_for = found.in_part - counted.came_along;
        counts.has_match |= part.rows != Membership::Whole && counted.asked_for > 0;
        let is_asked_for = selection.tables.as_ref().is_none_or(|tables| tables.contains(&name));
        let has_any = counted.total() > 0 || counted.owners_disagree > 0;
        if has_any || is_asked_for && subset.may_hold(&name) {
            counts.selected.0.push((name, counted));
            planned.tables.push(table);
        }
    }
    Ok(counts)
}

/// A part whose sets are filled.
pub struct FoundPart {
    pub subset: SubsetPlan,
    pub filled: FilledSets,
    /// The number of the first of the further sets.
    pub first_extra: usize,
}

/// Finds the records of a selection that is not the whole database. Further sets, of the tables in `extra`, are created with
/// those of the part: a source creates all of them at once. Blocks.
///
/// # Errors
/// As `restrict`.
pub fn find_part(
    planned: &PlannedTables,
    catalog: &Catalog,
    profile: &Profile,
    snapshot: &mut dyn Snapshot,
    selection: &Selection,
    extra: &[TableName],
) -> Result<FoundPart> {
    let (subset, first_extra) = prepare_part(planned, catalog, profile, snapshot, selection, extra)?;
    let filled = fill(snapshot, &subset)?;
    Ok(FoundPart { subset, filled, first_extra })
}

/// Checks that everything exists that the selection names, without looking for its records. Blocks.
///
/// # Errors
/// As `restrict`.
pub fn check_selection(
    planned: &PlannedTables,
    catalog: &Catalog,
    profile: &Profile,
    snapshot: &mut dyn Snapshot,
    selection: &Selection,
) -> Result<()> {
    prepare_part(planned, catalog, profile, snapshot, selection, &[]).map(|_| ())
}

/// Plans the part and creates its sets, empty. Returns the number of the first of the further sets, too.
fn prepare_part(
    planned: &PlannedTables,
    catalog: &Catalog,
    profile: &Profile,
    snapshot: &mut dyn Snapshot,
    selection: &Selection,
    extra: &[TableName],
) -> Result<(SubsetPlan, usize)> {
    let graph = reference_graph(planned, catalog, profile, selection.organization.is_some());
    check_owners(&graph, planned, catalog, profile)?;
    check_tables(&graph, selection)?;
    let filters = Filters::of(profile, catalog, selection)?;
    let unresolved = filters.unresolved();
    check_filters(&graph, &unresolved)?;
    // Has the same sets as the plan of the resolved filters, which can only be looked up once there are sets.
    let shape = SubsetPlan::new(&graph, &unresolved, selection.tables.as_ref());
    let repeated = shape.repeated_sets();
    let new_set = |(number, table): (usize, &TableName)| NewKeySet {
        table: table.clone(),
        is_repeated: repeated.contains(&KeySetId(number)),
    };
    // The sets in which the values of the filters are looked up come after those of the plan.
    let lookups = filters.lookup_tables();
    let first_extra = shape.sets.len() + lookups.len();
    let sets: Vec<NewKeySet> = shape.sets.iter().chain(&lookups).chain(extra).enumerate().map(new_set).collect();
    snapshot.create_key_sets(&sets)?;
    let resolved = filters.resolve(snapshot, shape.sets.len())?;
    let subset = SubsetPlan::new(&graph, &resolved, selection.tables.as_ref());
    Ok((subset, first_extra))
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

/// Numbers of rows that are read with all their columns.
struct FoundRows {
    whole: u64,
    in_part: u64,
}

/// Restricts the scan of a table to its part. A set that holds every row of its table restricts nothing.
fn restrict_table(
    table: &mut PlannedTable,
    part: &Part,
    snapshot: &mut dyn Snapshot,
    stub_columns: &StubColumns<'_>,
) -> Result<FoundRows> {
    if let Some(stubs) = part.stubs {
        let columns = stub_columns.of(&table.scan.table);
        let kept = table.scan.columns.iter().filter(|column| columns.contains(&column.name)).cloned().collect();
        let order = table.scan.order.iter().filter(|column| columns.contains(*column)).cloned().collect();
        let scan = Scan { columns: kept, order, restrict: Restriction::Keys(stubs), ..table.scan.clone() };
        table.stubs = (snapshot.count(&scan)? > 0).then_some(scan);
    }
    let whole = snapshot.count(&table.scan)?;
    table.scan.nulled.clone_from(&part.nulled);
    let Membership::Keys(set) = part.rows else { return Ok(FoundRows { whole, in_part: whole }) };
    let scan = Scan { restrict: Restriction::Keys(set), ..table.scan.clone() };
    let in_part = snapshot.count(&scan)?;
    if in_part < whole {
        table.scan = scan;
    }
    Ok(FoundRows { whole, in_part })
}

/// Which columns the stubs of a table have.
struct StubColumns<'s> {
    catalog: &'s Catalog,
    profile: &'s Profile,
    references: Vec<(TableName, ForeignKey)>,
}

impl StubColumns<'_> {
    /// Its key, what is referred to, and what the profile names, unless that refers to others: nothing brings them along.
    fn of(&self, table: &TableName) -> Vec<String> {
        let primary_key = self.catalog.table(table).map_or(&[][..], |table| &table.primary_key);
        let to_it = self.references.iter().filter(|(_, key)| key.target == *table);
        let referred = to_it.flat_map(|(_, key)| &key.target_columns);
        let refers =
            |column: &String| self.references.iter().any(|(child, key)| child == table && key.columns.contains(column));
        let mut named = self.profile.stub_columns(table, &self.references);
        named.retain(|column| !refers(column));
        primary_key.iter().chain(referred).cloned().chain(named).collect()
    }
}

fn all_references(catalog: &Catalog, profile: &Profile) -> Vec<(TableName, ForeignKey)> {
    let references = catalog.tables.iter().flat_map(|table| {
        let keys = profile.references_of(table).into_iter();
        keys.map(|key| (table.name.clone(), key))
    });
    references.collect()
}
