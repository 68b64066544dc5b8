//! The part of the database that a selection names: which filters it has, and the sets of keys that hold its rows.

use std::collections::BTreeMap;

use super::filter::Filters;
use super::invalid_selection::InvalidSelection;
use super::key_sets::{FilledSets, fill};
use super::notice_counter::NoticeCounter;
use super::part_estimate::{OnEstimate, estimate_part};
use super::stub_columns::StubColumns;
use super::{Error, Result};
use crate::model::manifest::{SelectedRecords, WHOLE_TABLE};
use crate::model::name::{FieldName, TableName};
use crate::model::ordered_map::OrderedMap;
use crate::model::redaction::ExcludedTable;
use crate::model::selection::Selection;
use crate::server::profile::{PlannedTable, PlannedTables, Profile};
use crate::server::profiles::reference_graph;
use crate::server::rows::{Catalog, ForeignKey, KeySetId, NewKeySet, Restriction, Scan};
use crate::server::source::{Extent, Snapshot};
use crate::server::subset::{Filter, Graph, Membership, Outside, Part, SubsetPlan};

/// What a snapshot must be opened for.
pub fn extent(selection: &Selection) -> Extent {
    if selection.is_whole_database() { Extent::WholeTables } else { Extent::Parts }
}

/// How many records a part has; nothing for the whole database.
#[derive(Clone, Debug, Default)]
pub struct PartCounts {
    /// How many records of each table are in for which reason.
    pub selected: OrderedMap<TableName, SelectedRecords>,
    /// About how many records all planned tables have.
    pub database_records: u64,
    /// Whether a filter names any record. One that reaches no table of the selection names none.
    pub has_match: bool,
    /// Such as "3,112 direct messages of 48 people": what an organisation's export holds besides what everybody there could
    /// read.
    pub contains: Option<String>,
}

/// Restricts a plan to the selection: fills the sets in the snapshot, and leaves out tables that were not asked for and of
/// which nothing comes along. Blocks.
///
/// # Errors
/// `Selection` for a filter, a value or a table that does not exist; `Source` if the database refuses a step; the error of
/// `on_estimate`.
pub fn restrict(
    planned: &mut PlannedTables,
    catalog: &Catalog,
    profile: &Profile,
    snapshot: &mut dyn Snapshot,
    selection: &Selection,
    on_estimate: Option<&mut OnEstimate<'_>>,
) -> Result<PartCounts> {
    if selection.is_whole_database() {
        return Ok(PartCounts::default());
    }
    let notice = NoticeCounter::of(profile, catalog, planned, selection);
    let people: Vec<TableName> = notice.iter().map(NoticeCounter::people_table).collect();
    let further = Further { tables: &people, keeps_rounds: false };
    let prepared = prepare_part(planned, catalog, profile, snapshot, selection, further)?;
    if let Some(on_estimate) = on_estimate {
        let estimate = estimate_part(snapshot, planned, &prepared.subset, &prepared.lookups)?;
        on_estimate(snapshot, planned, &estimate)?;
    }
    let PreparedPart { subset, first_extra, leaving_stubs, .. } = prepared;
    let filled = fill(snapshot, &subset)?;
    let count = |counter: NoticeCounter<'_>| counter.count(snapshot, &subset, &filled, KeySetId(first_extra));
    let contains = notice.map_or(Ok(None), count)?;
    let mut records = filled.records;
    let stub_columns = StubColumns::new(catalog, profile, leaving_stubs);
    let mut counts = PartCounts { has_match: selection.filters.is_empty(), contains, ..PartCounts::default() };
    for mut table in std::mem::take(&mut planned.tables) {
        let name = table.scan.table.clone();
        let part = &subset.tables[&name];
        let mut counted = records.remove(&name).unwrap_or_default();
        if is_own_account(profile, selection, &name) {
            let reason = "the account itself belongs to this installation".to_owned();
            planned.redaction.excluded_tables.push(ExcludedTable { table: name, reason });
            continue;
        }
        let found = restrict_table(&mut table, part, &counted, snapshot, &stub_columns)?;
        counts.database_records += found.whole;
        counted.asked_for = found.in_part - counted.came_along;
        counts.has_match |= part.rows != Membership::Whole && counted.asked_for > 0;
        if part.rows == Membership::Whole && counted.asked_for > 0 {
            counted.by_rule.0.insert(0, (WHOLE_TABLE.to_owned(), counted.asked_for));
        }
        let is_asked_for = selection.tables.as_ref().is_none_or(|tables| tables.contains(&name));
        let has_any = counted.total() > 0 || counted.owners_disagree > 0;
        if has_any || is_asked_for && subset.may_hold(&name) {
            counts.selected.0.push((name, counted));
            planned.tables.push(table);
        } else if !subset.may_hold(&name) {
            let whose = selection.scope().map_or("organisation", |(kind, _)| kind.noun());
            let reason = format!("in no {whose}'s export: {}", profile.why_in_no_scope(&name));
            planned.redaction.excluded_tables.push(ExcludedTable { table: name, reason });
        } else if selection.scope().is_some() {
            let reason = "none of the tables that were asked for, or that the layout has".to_owned();
            planned.redaction.excluded_tables.push(ExcludedTable { table: name, reason });
        }
    }
    let in_file = |field: &FieldName| counts.selected.get(&field.table).is_some();
    planned.redaction.removed_fields.retain(in_file);
    planned.redaction.treated.retain(|treated| in_file(&treated.field));
    Ok(counts)
}

/// Whether the table has the account that a person's data belongs to. It is none of their data: it says how they sign in here.
fn is_own_account(profile: &Profile, selection: &Selection, table: &TableName) -> bool {
    selection.person.is_some() && profile.scopes.person.as_ref().is_some_and(|scope| scope.table == *table)
}

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
}

/// Finds the records of a selection that is not the whole database. Blocks.
///
/// # Errors
/// As `restrict`.
pub fn find_part(
    planned: &PlannedTables,
    catalog: &Catalog,
    profile: &Profile,
    snapshot: &mut dyn Snapshot,
    selection: &Selection,
    further: Further<'_>,
) -> Result<FoundPart> {
    let PreparedPart { subset, first_extra, .. } =
        prepare_part(planned, catalog, profile, snapshot, selection, further)?;
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
    prepare_part(planned, catalog, profile, snapshot, selection, Further::default()).map(|_| ())
}

/// A part whose sets are there, and empty.
struct PreparedPart {
    subset: SubsetPlan,
    /// The sets that have the rows which each filter names.
    lookups: BTreeMap<String, Vec<KeySetId>>,
    first_extra: usize,
    /// The references that leave stubs of what they lead to, with their tables.
    leaving_stubs: Vec<(TableName, ForeignKey)>,
}

/// Plans the part and creates its sets, empty.
fn prepare_part(
    planned: &PlannedTables,
    catalog: &Catalog,
    profile: &Profile,
    snapshot: &mut dyn Snapshot,
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
    snapshot.create_key_sets(&sets)?;
    let resolved = filters.resolve(snapshot, shape.sets.len())?;
    let subset = SubsetPlan::new(&graph, &resolved, selection.tables.as_ref());
    let leaving_stubs =
        graph.edges().filter(|edge| edge.reference.is_followed && edge.reference.outside == Outside::Stub);
    let leaving_stubs = leaving_stubs.map(|edge| (edge.child.clone(), edge.reference.key.clone())).collect();
    let lookups = filters.lookups(shape.sets.len());
    Ok(PreparedPart { subset, lookups, first_extra, leaving_stubs })
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

/// A scope has nothing of some tables, so nothing of them can be asked for.
fn check_reachable(shape: &SubsetPlan, profile: &Profile, selection: &Selection) -> Result<()> {
    let Some((kind, _)) = selection.scope() else { return Ok(()) };
    let outside = selection.tables.iter().flatten().find(|table| !shape.may_hold(table));
    outside.map_or(Ok(()), |table| Err(Error::Selection(InvalidSelection::never_in_scope(table, kind, profile))))
}

fn check_stub_columns(catalog: &Catalog, profile: &Profile) -> Result<()> {
    match profile.unknown_stub_columns(catalog).first() {
        Some((rule, field)) => Err(Error::Selection(InvalidSelection::no_stub_column(rule, field))),
        None => Ok(()),
    }
}

fn check_filters(graph: &Graph, filters: &[Filter]) -> Result<()> {
    let unknown = filters.iter().find(|filter| !graph.contains(&filter.table));
    unknown.map_or(Ok(()), |filter| {
        let known = graph.tables().map(TableName::as_str);
        Err(Error::Selection(InvalidSelection::unknown_table(filter.table.as_str(), known)))
    })
}

/// Of a set that has at least this share of its table, in hundredths, it is worth knowing whether it has all of it.
const MAY_BE_WHOLE: u64 = 90;

/// Numbers of rows that are read with all their columns.
struct FoundRows {
    /// About how many the table has.
    whole: u64,
    in_part: u64,
}

/// Restricts the scan of a table to its part, of which `counted` says how many records the steps have found. A set that holds
/// every row of its table restricts nothing.
fn restrict_table(
    table: &mut PlannedTable,
    part: &Part,
    counted: &SelectedRecords,
    snapshot: &mut dyn Snapshot,
    stub_columns: &StubColumns<'_>,
) -> Result<FoundRows> {
    if let Some(stubs) = part.stubs {
        let columns = stub_columns.of(&table.scan.table);
        let kept = table.scan.columns.iter().filter(|column| columns.contains(&column.name)).cloned().collect();
        let order = table.scan.order.iter().filter(|column| columns.contains(*column)).cloned().collect();
        if counted.stubs > 0 {
            let scan = Scan { columns: kept, order, restrict: Restriction::Keys(stubs), ..table.scan.clone() };
            for column in table.scan.columns.iter_mut().filter(|column| !columns.contains(&column.name)) {
                // Stubs are null there, whatever the database demands.
                column.nullable = true;
            }
            table.stubs = Some(scan);
        }
    }
    table.scan.nulled.clone_from(&part.nulled);
    let Membership::Keys(set) = part.rows else {
        let whole = snapshot.count(&table.scan)?;
        return Ok(FoundRows { whole, in_part: whole });
    };
    let in_part = counted.asked_for + counted.came_along;
    let mut whole = snapshot.estimate(&table.scan)?.max(in_part);
    if in_part >= whole / 100 * MAY_BE_WHOLE {
        whole = snapshot.count(&table.scan)?;
    }
    if in_part < whole {
        table.scan.restrict = Restriction::Keys(set);
    }
    Ok(FoundRows { whole, in_part })
}
