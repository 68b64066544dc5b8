//! What belongs to one filter: a set of keys for each table that it reaches.

use std::collections::BTreeMap;

use super::graph::{Edge, Graph};
use super::groups::{Group, in_order_of_flow};
use super::plan::{Filter, SetStep, SubsetPlan, Via};
use crate::model::name::TableName;
use crate::server::rows::{KeySetId, Rows, Step};

/// The sets of one filter.
pub struct FilterSets<'f> {
    filter: &'f Filter,
    sets: BTreeMap<TableName, KeySetId>,
}

impl<'f> FilterSets<'f> {
    /// Adds to the plan the sets of the filter, and the steps that fill them.
    pub fn plan(plan: &mut SubsetPlan, graph: &Graph, filter: &'f Filter) -> Self {
        let reached = graph.owned_by(&filter.table).into_iter();
        let sets = reached.map(|table| (table.clone(), plan.new_set(&table))).collect();
        let sets = Self { filter, sets };
        let flows = graph.owner_edges().map(|edge| (&edge.reference.key.target, edge.child));
        for group in in_order_of_flow(sets.sets.keys(), flows) {
            sets.plan_group(plan, graph, &group);
        }
        sets
    }

    fn plan_group(&self, plan: &mut SubsetPlan, graph: &Graph, group: &Group) {
        if let Some(into) = self.set(&self.filter.table).filter(|_| group.contains(&self.filter.table)) {
            let step = Step { into, rows: Rows::Matching(self.filter.condition.clone()), within: Vec::new() };
            plan.once(SetStep { step, via: Via::Filter(self.filter.name.clone()) });
        }
        for table in &group.tables {
            self.unowned(graph, table).into_iter().for_each(|step| plan.once(step));
        }
        let mut inside = Vec::new();
        for edge in graph.owner_edges().filter(|edge| group.contains(edge.child)) {
            let Some(step) = self.step(edge) else { continue };
            if group.contains(&edge.reference.key.target) {
                inside.push(step);
            } else {
                plan.once(step);
            }
        }
        plan.until_stable(inside);
    }

    /// The step for records without an owner, which only a boundary excludes. The filter's own table has those that it
    /// names.
    fn unowned(&self, graph: &Graph, table: &TableName) -> Option<SetStep> {
        let into = self.set(table).filter(|_| !self.is_boundary() && *table != self.filter.table)?;
        let rows = Rows::AllNull { columns: graph.owner_columns(table).to_vec() };
        Some(SetStep { step: Step { into, rows, within: Vec::new() }, via: Via::Unowned })
    }

    /// The step from owners to what belongs to them.
    fn step(&self, edge: Edge<'_>) -> Option<SetStep> {
        let key = &edge.reference.key;
        let (into, parents) = (self.set(edge.child)?, self.set(&key.target)?);
        let rows = Rows::Children { key: key.clone(), parents };
        Some(SetStep { step: Step { into, rows, within: Vec::new() }, via: Via::Owner(key.clone()) })
    }

    /// The set of the table's rows that belong to the filter; `None` if the filter does not reach the table.
    pub fn set(&self, table: &TableName) -> Option<KeySetId> {
        self.sets.get(table).copied()
    }

    pub fn table(&self) -> &TableName {
        &self.filter.table
    }

    pub fn is_boundary(&self) -> bool {
        self.filter.is_boundary
    }
}
