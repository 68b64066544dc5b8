//! The sets that a walk uses for single records, and the record that it begins with.

use std::collections::BTreeMap;

use super::super::{Error, Result};
use crate::model::name::TableName;
use crate::server::profile::PlannedTables;
use crate::server::rows::{Condition, KeySetId, Round, Rows, Step, Table};
use crate::server::selection::InvalidSelection;
use crate::server::source::Snapshot;

/// Three sets for each table.
pub struct Scratch(BTreeMap<TableName, RecordSets>);

#[derive(Clone, Copy)]
pub struct RecordSets {
    /// The record that the walk is at.
    pub current: KeySetId,
    /// Records that it may go on to.
    pub candidates: KeySetId,
    /// The one of them that was looked up.
    pub found: KeySetId,
}

impl Scratch {
    /// The tables of the sets, three for each.
    pub fn tables(planned: &PlannedTables) -> Vec<TableName> {
        planned.tables.iter().flat_map(|planned| vec![planned.scan.table.clone(); 3]).collect()
    }

    /// The sets have the numbers from `first` on.
    pub fn new(planned: &PlannedTables, first: usize) -> Self {
        let sets = planned.tables.iter().enumerate().map(|(number, planned)| {
            let set = |place: usize| KeySetId(first + number * 3 + place);
            (planned.scan.table.clone(), RecordSets { current: set(0), candidates: set(1), found: set(2) })
        });
        Self(sets.collect())
    }

    pub fn of(&self, table: &TableName) -> RecordSets {
        self.0.get(table).copied().unwrap_or_else(|| unreachable!("{table} is exported"))
    }
}

/// The record that is asked about: its table, and the values of its primary key, each with its column if there are several.
#[derive(Clone, Debug)]
pub struct RecordKey {
    pub table: TableName,
    pub values: Vec<(Option<String>, String)>,
}

/// Makes the record with this key the current one.
///
/// # Errors
/// `Selection` if there is no such record, or the key does not name the columns of the table's.
pub fn find_record(snapshot: &mut dyn Snapshot, sets: RecordSets, table: &Table, key: &RecordKey) -> Result<()> {
    let conditions = conditions(table, &key.values)?;
    let count = conditions.len();
    let mut within = Vec::new();
    for (number, condition) in conditions.into_iter().enumerate() {
        let is_last = number + 1 == count;
        let into = if is_last { sets.current } else { [sets.candidates, sets.found][number % 2] };
        snapshot.clear_key_set(into)?;
        let step = Step::new(into, Rows::Matching(condition)).within(within);
        let found = snapshot.run_step(&step, Round::default())?;
        if is_last && found == 0 {
            let key = key.values.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(", ");
            return Err(Error::Selection(InvalidSelection::no_record(&table.name, &key)));
        }
        within = vec![into];
    }
    Ok(())
}

fn conditions(table: &Table, values: &[(Option<String>, String)]) -> Result<Vec<Condition>> {
    let key = &table.primary_key;
    let unusable = || Error::Selection(InvalidSelection::unusable_key(&table.name, key));
    if key.is_empty() || key.len() != values.len() {
        return Err(unusable());
    }
    let of_column = |column: &String| match values {
        [(None, value)] => Some(value.as_str()),
        several => several.iter().find(|(name, _)| name.as_ref() == Some(column)).map(|(_, value)| value.as_str()),
    };
    let condition = |column: &String| Some(Condition::any_of(column, vec![of_column(column)?.to_owned()]));
    key.iter().map(|column| condition(column).ok_or_else(unusable)).collect()
}
