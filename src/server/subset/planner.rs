//! From filters to a plan.
//!
//! 1. A record *belongs* to a filter if the filter names it, or if one of its owners belongs. With several filters it
//!    must belong to each of those that can reach its table.
//!    A record without any owner is nobody's: a boundary excludes it, other filters do not.
//! 2. A record *comes along* if a record that is in refers to it. It brings its own references along, and nothing that
//!    refers to it.
//! 3. A filter with a boundary keeps out what belongs to others: a record of a table that it reaches comes along only if
//!    it belongs.
//!
//! Tables that no filter reaches are whole, but for those to which a filtered table's records belong: of these, only what
//! comes along is read.

use std::collections::BTreeSet;

use super::filter_sets::FilterSets;
use super::graph::Graph;
use super::groups::in_order_of_flow;
use super::plan::{Filter, Membership, SetStep, SubsetPlan, Via};
use crate::model::name::TableName;
use crate::server::rows::{KeySetId, Rows, Step};

impl SubsetPlan {
    /// Plans the records that the filters name, of the tables in `selected` (of all, if that is `None`), with what comes
    /// along. A filter's table must be in the graph.
    #[must_use]
    pub fn new(graph: &Graph, filters: &[Filter], selected: Option<&BTreeSet<TableName>>) -> Self {
        let mut plan = Self::default();
        let filter_sets: Vec<FilterSets> =
            filters.iter().map(|filter| FilterSets::plan(&mut plan, graph, filter)).collect();
        for table in graph.tables() {
            let membership = plan.asked_for(graph, &filter_sets, table, selected);
            plan.tables.insert(table.clone(), membership);
        }
        plan.bring_along(graph, &filter_sets);
        plan
    }

    /// What of the table is asked for; what comes along is added to it later.
    fn asked_for(
        &mut self,
        graph: &Graph,
        filters: &[FilterSets],
        table: &TableName,
        selected: Option<&BTreeSet<TableName>>,
    ) -> Membership {
        if selected.is_some_and(|selected| !selected.contains(table)) {
            return Membership::Keys(self.new_set(table));
        }
        let reaching: Vec<KeySetId> = filters.iter().filter_map(|filter| filter.set(table)).collect();
        let is_owner_of_filtered = || filters.iter().any(|filter| graph.owners_of(filter.table()).contains(table));
        match reaching[..] {
            [] if is_owner_of_filtered() => Membership::Keys(self.new_set(table)),
            [] => Membership::Whole,
            _ => {
                let into = self.new_set(table);
                let step = Step { into, rows: Rows::All, within: reaching };
                self.once(SetStep { step, via: Via::EveryFilter });
                Membership::Keys(into)
            }
        }
    }

    /// Adds the records that others refer to, from the tables that refer to those that are referred to.
    fn bring_along(&mut self, graph: &Graph, filters: &[FilterSets]) {
        let edges = || graph.edges().filter(|edge| edge.reference.is_followed);
        let flows = edges().map(|edge| (edge.child, &edge.reference.key.target));
        for group in in_order_of_flow(graph.tables(), flows) {
            let mut inside = Vec::new();
            for edge in edges().filter(|edge| group.contains(&edge.reference.key.target)) {
                let key = &edge.reference.key;
                let Membership::Keys(into) = self.tables[&key.target] else { continue };
                let children = match self.tables[edge.child] {
                    Membership::Whole => None,
                    Membership::Keys(children) => Some(children),
                };
                let within = filters.iter().filter(|filter| filter.is_boundary()).filter_map(|f| f.set(&key.target));
                let rows = Rows::Parents { child: edge.child.clone(), key: key.clone(), children };
                let step = Step { into, rows, within: within.collect() };
                let via = Via::Reference { child: edge.child.clone(), key: key.clone() };
                let step = SetStep { step, via };
                // Rows of a whole table are all there from the beginning.
                if children.is_some() && group.contains(edge.child) {
                    inside.push(step);
                } else {
                    self.once(step);
                }
            }
            self.until_stable(inside);
        }
    }
}
