//! Counts what stays out of every organisation's export, for whoever maintains the profile: records whose owners disagree, and
//! records that nobody owns.

use std::collections::{BTreeMap, BTreeSet};

use super::Result;
use super::plan::UncountedPlan;
use super::request::ExportRequest;
use super::subset::extent;
use crate::model::access::{Capability, Scope};
use crate::model::name::TableName;
use crate::model::selection::Selection;
use crate::model::text;
use crate::server::identity::Caller;
use crate::server::profile::Profile;
use crate::server::rows::{KeySetId, Restriction, RowSink, Scan, Stopped, Value};
use crate::server::selection::{FoundPart, Further, find_part};
use crate::server::source::{ChoiceQuery, Choices, Snapshot, Source};
use crate::server::subset::Via;

/// Most organisations that are looked into: each is found as for an export.
const MAX_ORGANIZATIONS: u32 = 100;
const MAX_EXAMPLES: usize = 3;

/// Records of one table that stay at home, and keys of some.
#[derive(Clone, Debug, Default)]
struct Counted {
    records: u64,
    examples: BTreeSet<String>,
}

/// Looks into the organisations, each in a snapshot of its own, and returns what was found, one line per table. Blocks.
///
/// # Errors
/// `Forbidden`; `Source` or `Profile` if the source cannot be read or does not fit the profile.
pub fn check_owners(caller: &Caller, source: &dyn Source, profile: &Profile) -> Result<Vec<String>> {
    caller.require(Capability::ExportDatabase, &Scope::WholeDatabase)?;
    let Some(scope) = &profile.scopes.organization else { return Ok(Vec::new()) };
    let query = ChoiceQuery {
        table: &scope.table,
        key: &scope.key,
        show: &scope.label,
        search: "",
        conditions: &[],
        limit: MAX_ORGANIZATIONS,
    };
    let Choices { first, total, .. } = source.list_choices(&query)?;
    let (mut disagreeing, mut nobodys) = (BTreeMap::<TableName, Counted>::new(), BTreeMap::new());
    let looked_into = first.len() as u64;
    for organization in first {
        // What nobody owns is the same for each.
        nobodys.clear();
        count(source, profile, &Selection::of_organization(organization.key), &mut disagreeing, &mut nobodys)?;
    }
    let mut lines: Vec<String> = vec![if looked_into < total {
        format!("looked into the first {looked_into} of {} organisations", text::count(total))
    } else {
        format!("looked into {}", text::count_with_noun(looked_into, "organisation"))
    }];
    let disagree = "one owner is inside and another one outside (counted for each organisation)";
    lines.extend(disagreeing.iter().map(|(table, counted)| line(table, counted, disagree)));
    lines.extend(nobodys.iter().map(|(table, counted)| line(table, counted, "they belong to nobody")));
    Ok(lines)
}

fn line(table: &TableName, counted: &Counted, what: &str) -> String {
    let examples: Vec<&str> = counted.examples.iter().map(String::as_str).collect();
    let examples = if examples.is_empty() { String::new() } else { format!(", such as {}", examples.join("; ")) };
    format!("{table}: left out, because {what}: {}{examples}", text::count(counted.records))
}

fn count(
    source: &dyn Source,
    profile: &Profile,
    selection: &Selection,
    disagreeing: &mut BTreeMap<TableName, Counted>,
    nobodys: &mut BTreeMap<TableName, Counted>,
) -> Result<()> {
    let mut snapshot = source.begin_snapshot(extent(selection), &|_| ())?;
    let request = ExportRequest { selection: selection.clone(), ..ExportRequest::default() };
    let plan = UncountedPlan::of_whole_tables(&mut *snapshot, profile, &request)?;
    let FoundPart { subset, filled, .. } =
        find_part(&plan.planned, &plan.catalog, &plan.profile, &mut *snapshot, selection, Further::default())?;
    // Several steps may fill one set.
    let sets: BTreeMap<KeySetId, &Via> = filled.rounds.iter().map(|round| (round.step.into, &round.via)).collect();
    for (set, via) in sets {
        let table = &subset.sets[set.0];
        let Some(records) = filled.records.get(table) else { continue };
        let (counted, number) = match via {
            Via::OwnersDisagree => (&mut *disagreeing, records.owners_disagree),
            Via::NobodysOutside => (&mut *nobodys, records.nobodys),
            _ => continue,
        };
        if number > 0 {
            let counted = counted.entry(table.clone()).or_default();
            counted.records += number;
            let missing = MAX_EXAMPLES.saturating_sub(counted.examples.len());
            counted.examples.extend(examples(&mut *snapshot, &plan, table, set, missing)?);
        }
    }
    Ok(())
}

/// Keys of rows of the set, where the key may be seen.
fn examples(
    snapshot: &mut dyn Snapshot,
    plan: &UncountedPlan,
    table: &TableName,
    set: KeySetId,
    most: usize,
) -> Result<Vec<String>> {
    let Some(planned) = plan.planned.of(table).filter(|planned| planned.key.iter().all(|key| planned.keeps(key)))
    else {
        return Ok(Vec::new());
    };
    let columns = planned.scan.columns.iter().filter(|column| planned.key.contains(&column.name)).cloned();
    let scan = Scan { columns: columns.collect(), restrict: Restriction::Keys(set), ..planned.scan.clone() };
    let mut keys = Keys { most, rows: Vec::new(), row: Vec::new() };
    if most == 0 || scan.columns.is_empty() {
        return Ok(keys.rows);
    }
    snapshot.read_table(&scan, &mut keys)?;
    Ok(keys.rows)
}

/// Takes the first keys of a read.
struct Keys {
    most: usize,
    rows: Vec<String>,
    row: Vec<String>,
}

impl RowSink for Keys {
    fn push_value(&mut self, value: Value<'_>) -> std::result::Result<(), Stopped> {
        self.row.push(match value {
            Value::Integer(number) => number.to_string(),
            Value::SafeAscii(bytes) | Value::Text(bytes) => text::one_line(&String::from_utf8_lossy(bytes)),
            _ => "…".to_owned(),
        });
        Ok(())
    }

    fn end_row(&mut self) -> std::result::Result<(), Stopped> {
        let row = std::mem::take(&mut self.row);
        // Read to the end: a source whose read was stopped can end with it.
        if self.rows.len() < self.most {
            self.rows.push(row.join(", "));
        }
        Ok(())
    }
}
