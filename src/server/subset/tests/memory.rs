//! A database in memory that runs the steps of a plan.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{Graph, Membership, SetStep, SubsetPlan};
use crate::model::name::TableName;
use crate::server::rows::{Bound, Condition, ForeignKey, Rows, Step};

/// A row: its columns that are not NULL.
pub type Row = BTreeMap<String, i64>;
/// The rows that are in, by their place in each table.
pub type Subset = BTreeMap<TableName, BTreeSet<usize>>;

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
    pub fn run(&self, graph: &Graph, plan: &SubsetPlan) -> Subset {
        let mut sets = vec![BTreeSet::new(); plan.sets.len()];
        for stage in &plan.stages {
            loop {
                let added: usize = stage.steps.iter().map(|step| self.run_step(plan, &mut sets, step)).sum();
                if added == 0 || !stage.is_repeated {
                    break;
                }
            }
        }
        let rows_of = |table: &TableName| match plan.tables[table] {
            Membership::Whole => (0..self.0[table].len()).collect(),
            Membership::Keys(set) => sets[set.0].clone(),
        };
        graph.tables().map(|table| (table.clone(), rows_of(table))).collect()
    }

    /// Returns the number of rows added.
    fn run_step(&self, plan: &SubsetPlan, sets: &mut [BTreeSet<usize>], SetStep { step, .. }: &SetStep) -> usize {
        let Step { into, rows, within } = step;
        let is_new =
            |place: &usize| !sets[into.0].contains(place) && within.iter().all(|set| sets[set.0].contains(place));
        let table = &self.0[&plan.sets[into.0]];
        let selected = table.iter().enumerate().filter(|(_, row)| match rows {
            Rows::All => true,
            Rows::Matching(condition) => fulfils(row, condition),
            Rows::AllNull { columns } => columns.iter().all(|column| !row.contains_key(column)),
            Rows::Children { key, parents } => {
                let parent_rows = &self.0[&plan.sets[parents.0]];
                sets[parents.0].iter().any(|parent| refers(row, key, &parent_rows[*parent]))
            }
            Rows::Parents { child, key, children } => {
                let is_in = |place: usize| children.is_none_or(|set| sets[set.0].contains(&place));
                self.0[child].iter().enumerate().any(|(place, child)| is_in(place) && refers(child, key, row))
            }
        });
        let added: Vec<usize> = selected.map(|(place, _)| place).filter(is_new).collect();
        sets[into.0].extend(&added);
        added.len()
    }
}
