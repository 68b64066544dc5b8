//! A database in memory that runs the steps of a plan.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{Graph, Membership, SubsetPlan, Via};
use crate::model::name::TableName;
use crate::server::rows::{Bound, Condition, ForeignKey, KeySetId, ReferenceInside, Rows, Step};

/// A row: its columns that are not NULL.
pub type Row = BTreeMap<String, i64>;
/// The rows that are in, by their place in each table.
pub type Subset = BTreeMap<TableName, BTreeSet<usize>>;

/// What a plan found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    pub rows: Subset,
    pub stubs: Subset,
    /// Table, place of the row, column.
    pub nulled: BTreeSet<(TableName, usize, String)>,
    /// Rows that stop the part.
    pub stops: usize,
    /// Rows whose owners disagree.
    pub disagreeing: Subset,
}

#[derive(Clone, Debug, Default)]
pub struct Memory(pub BTreeMap<TableName, Vec<Row>>);

/// The values of the columns; `None` if one of them is NULL.
pub fn values<'r>(row: &'r Row, columns: &[String]) -> Option<Vec<&'r i64>> {
    columns.iter().map(|column| row.get(column)).collect()
}

pub fn refers(child: &Row, key: &ForeignKey, parent: &Row) -> bool {
    let referred = values(child, &key.columns);
    referred.is_some() && referred == values(parent, &key.target_columns)
}

pub fn fulfils(row: &Row, condition: &Condition) -> bool {
    match condition {
        Condition::AnyOf { column, values } => row.get(column).is_some_and(|value| values.contains(&value.to_string())),
        Condition::Either(conditions) => conditions.iter().any(|condition| fulfils(row, condition)),
        Condition::Range { column, from, to } => row.get(column).is_some_and(|value| {
            from.as_ref().is_none_or(|from| *value >= number(from)) && to.as_ref().is_none_or(|to| *value < number(to))
        }),
    }
}

fn number(bound: &Bound) -> i64 {
    let Bound::Integer(number) = bound else { panic!("{bound:?}") };
    *number
}

impl Memory {
    pub fn run(&self, graph: &Graph, plan: &SubsetPlan) -> Found {
        let mut sets = vec![BTreeSet::new(); plan.sets.len()];
        let mut found = Found::default();
        for stage in &plan.stages {
            loop {
                let mut added = 0;
                for step in &stage.steps {
                    let new = self.run_step(plan, &mut sets, &step.step);
                    added += new.len();
                    match step.via {
                        Via::Stop { .. } => found.stops += new.len(),
                        Via::OwnersDisagree if !new.is_empty() => {
                            found.disagreeing.entry(plan.sets[step.step.into.0].clone()).or_default().extend(new);
                        }
                        _ => {}
                    }
                }
                if added == 0 || !stage.is_repeated {
                    break;
                }
            }
        }
        for table in graph.tables() {
            let part = &plan.tables[table];
            let all: BTreeSet<usize> = (0..self.0[table].len()).collect();
            let rows = match part.rows {
                Membership::Whole => all,
                Membership::Keys(set) => sets[set.0].clone(),
            };
            found.nulled.extend(self.nulled(table, &rows, &part.nulled, &sets));
            found.stubs.insert(table.clone(), part.stubs.map(|set| sets[set.0].clone()).unwrap_or_default());
            found.rows.insert(table.clone(), rows);
        }
        found
    }

    /// The values of the table's rows that are read as NULL.
    fn nulled(
        &self,
        table: &TableName,
        rows: &BTreeSet<usize>,
        nulled: &[ReferenceInside],
        sets: &[BTreeSet<usize>],
    ) -> BTreeSet<(TableName, usize, String)> {
        let is_inside = |row: &Row, nulled: &ReferenceInside| {
            let mut inside = nulled.sets.iter().flat_map(|set| &sets[set.0]);
            inside.any(|place| refers(row, &nulled.key, &self.0[&nulled.key.target][*place]))
        };
        let mut found = BTreeSet::new();
        for place in rows {
            let row = &self.0[table][*place];
            for one in nulled.iter().filter(|one| row.contains_key(&one.column)) {
                let same = nulled
                    .iter()
                    .filter(|other| (&other.column, &other.key.columns) == (&one.column, &one.key.columns));
                if !same.into_iter().any(|other| is_inside(row, other)) {
                    found.insert((table.clone(), *place, one.column.clone()));
                }
            }
        }
        found
    }

    /// Returns the rows that were added.
    fn run_step(&self, plan: &SubsetPlan, sets: &mut [BTreeSet<usize>], step: &Step) -> Vec<usize> {
        let Step { into, rows, within, except } = step;
        let is_new = |place: &usize| {
            let is_in = |set: &KeySetId| sets[set.0].contains(place);
            !is_in(into) && within.iter().all(is_in) && !except.iter().any(is_in)
        };
        let table = &self.0[&plan.sets[into.0]];
        let refers_into = |row: &Row, key: &ForeignKey, parents: &KeySetId| {
            let parent_rows = &self.0[&plan.sets[parents.0]];
            sets[parents.0].iter().any(|parent| refers(row, key, &parent_rows[*parent]))
        };
        let selected = table.iter().enumerate().filter(|(_, row)| match rows {
            Rows::All => true,
            Rows::Matching(condition) => fulfils(row, condition),
            Rows::AllNull { columns } => columns.iter().all(|column| !row.contains_key(column)),
            Rows::Children { key, parents, owners } => {
                let is_in =
                    |(key, set): &(ForeignKey, Option<KeySetId>)| set.is_some_and(|set| refers_into(row, key, &set));
                let leads_outside = |(key, set): &(ForeignKey, Option<KeySetId>)| {
                    let rows = self.0[&key.target].iter().enumerate();
                    let mut referred = rows.filter(|(_, parent)| refers(row, key, parent));
                    referred.any(|(place, _)| set.is_none_or(|set| !sets[set.0].contains(&place)))
                };
                let mut owners = owners.iter().map(|owner| {
                    let is_named = row.contains_key(&owner.column);
                    let is_outside = !owner.is_unambiguous && owner.references.iter().any(leads_outside);
                    !is_named || owner.references.iter().any(is_in) && !is_outside
                });
                refers_into(row, key, parents) && owners.all(|is_in| is_in)
            }
            Rows::Parents { child, key, children } => {
                let is_in = |place: usize| children.is_none_or(|set| sets[set.0].contains(&place));
                self.0[child].iter().enumerate().any(|(place, child)| is_in(place) && refers(child, key, row))
            }
        });
        let added: Vec<usize> = selected.map(|(place, _)| place).filter(is_new).collect();
        sets[into.0].extend(&added);
        added
    }
}
