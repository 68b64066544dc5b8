//! The part of the database that a selection names: which filters it has, and the sets of keys that hold its rows.

use super::Result;
use super::notice_counter::NoticeCounter;
use super::part_estimate::{OnEstimate, estimate_part};
use super::stub_columns::StubColumns;
use crate::model::manifest::{SelectedRecords, WHOLE_TABLE};
use crate::model::name::{FieldName, TableName};
use crate::model::ordered_map::OrderedMap;
use crate::model::redaction::ExcludedTable;
use crate::model::selection::Selection;
use crate::server::profile::{PlannedTable, PlannedTables, Profile};
use crate::server::rows::{Catalog, KeySetId, Restriction, Scan};
use crate::server::selection::{Further, PreparedPart, fill, prepare_part};
use crate::server::source::{Extent, Snapshot};
use crate::server::subset::{Membership, Part};

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
    let further = Further { tables: &people, keeps_rounds: false, only_keys: false };
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
        counted.emptied_references = Some(emptied_references(part));
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

/// The columns in which references that lead outside are null.
fn emptied_references(part: &Part) -> Vec<String> {
    let mut columns: Vec<String> = part.nulled.iter().map(|inside| inside.column.clone()).collect();
    columns.sort_unstable();
    columns.dedup();
    columns
}

/// Whether the table has the account that a person's data belongs to. It is none of their data: it says how they sign in here.
fn is_own_account(profile: &Profile, selection: &Selection, table: &TableName) -> bool {
    selection.person.is_some() && profile.scopes.person.as_ref().is_some_and(|scope| scope.table == *table)
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
