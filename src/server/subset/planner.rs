//! From filters to a plan.
//!
//! 1. A record *belongs* to a filter if the filter names it, or if one of its owners belongs; to a scope, if all its owners
//!    do. With several filters it must belong to each of those that can reach its table.
//!    A record without any owner is nobody's: a boundary and a scope exclude it, other filters do not.
//! 2. A record *comes along* if a record that is in refers to it. It brings its own references along, and nothing that
//!    refers to it.
//! 3. A boundary and a scope keep out what belongs to others: a record of a table that they reach comes along only if it
//!    belongs. What becomes of the reference to it is the reference's `Outside`.
//!
//! Tables that no filter reaches are whole, but for those to which a filtered table's records belong: of these, only what
//! comes along is read. Under a scope, tables that it does not reach are empty, unless they are nobody's.

use std::collections::BTreeSet;

use super::filter_sets::FilterSets;
use super::filters::Filters;
use super::graph::{Edge, Graph, Outside};
use super::groups::in_order_of_flow;
use super::plan::{Filter, Membership, Part, SetStep, SubsetPlan, Via};
use crate::model::name::TableName;
use crate::server::rows::{KeySetId, ReferenceInside, Rows, Step};

impl SubsetPlan {
    /// Plans the records that the filters name, of the tables in `selected` (of all, if that is `None`), with what comes
    /// along. A filter's table must be in the graph.
    #[must_use]
    pub fn new(graph: &Graph, filters: &[Filter], selected: Option<&BTreeSet<TableName>>) -> Self {
        let mut plan = Self::default();
        let sets: Vec<FilterSets> = filters.iter().map(|filter| FilterSets::plan(&mut plan, graph, filter)).collect();
        plan.belonging = sets.iter().map(|filter| filter.to_belonging(graph)).collect();
        let filters = Filters::new(graph, sets);
        for table in graph.tables() {
            let rows = plan.asked_for(&filters, table, selected);
            let is_reachable = !filters.keep_out(table);
            plan.tables.insert(table.clone(), Part { rows, is_reachable, stubs: None, nulled: Vec::new() });
        }
        plan.bring_along(&filters);
        plan.keep_outside(&filters);
        plan.count_left_out(&filters);
        plan
    }

    /// What of the table is asked for; what comes along is added to it later.
    fn asked_for(
        &mut self,
        filters: &Filters<'_>,
        table: &TableName,
        selected: Option<&BTreeSet<TableName>>,
    ) -> Membership {
        let is_selected = selected.is_none_or(|selected| selected.contains(table));
        if is_selected && filters.graph.is_whole(table) {
            return Membership::Whole;
        }
        let reaching: Vec<&FilterSets> = filters.reaching(table).collect();
        match reaching[..] {
            _ if !is_selected || filters.keep_out(table) => Membership::Keys(self.new_set(table)),
            [] if filters.are_below(table) => Membership::Keys(self.new_set(table)),
            [] => Membership::Whole,
            // What comes along is added to what belongs: nothing depends on the filter's set any more.
            [only] => Membership::Keys(only.set(table).unwrap_or_else(|| unreachable!("it reaches the table"))),
            _ => {
                let into = self.new_set(table);
                let names = reaching.iter().map(|filter| filter.name().to_owned()).collect();
                let within = reaching.iter().filter_map(|filter| filter.set(table)).collect();
                self.once(Step::new(into, Rows::All).within(within), Via::EveryFilter(names));
                Membership::Keys(into)
            }
        }
    }

    /// Adds the records that others refer to, from the tables that refer to those that are referred to.
    fn bring_along(&mut self, filters: &Filters<'_>) {
        let graph = filters.graph;
        let edges = || graph.edges().filter(|edge| edge.reference.is_followed && !filters.keep_out(edge.target()));
        let flows = edges().map(|edge| (edge.child, edge.target()));
        for group in in_order_of_flow(graph.tables(), flows) {
            let mut inside = Vec::new();
            for edge in edges().filter(|edge| group.contains(edge.target())) {
                let Membership::Keys(into) = self.tables[edge.target()].rows else { continue };
                let (key, limits) = (&edge.reference.key, filters.limits(edge));
                // What belongs is all in from the beginning.
                if limits.contains(&into) {
                    continue;
                }
                let step = Step::new(into, self.parents(edge.child, key)).within(limits);
                let via = Via::Reference { child: edge.child.clone(), key: key.clone() };
                // Rows of a whole table are all there from the beginning.
                let is_growing = self.tables[edge.child].rows != Membership::Whole;
                if is_growing && group.contains(edge.child) {
                    inside.push(SetStep { step, via });
                } else if !self.is_implied(edge, into) {
                    self.once(step, via);
                }
            }
            self.until_stable(inside);
        }
    }

    /// Decides what becomes of references to records that are not in.
    fn keep_outside(&mut self, filters: &Filters<'_>) {
        let edges: Vec<Edge<'_>> = filters.graph.edges().filter(|edge| filters.can_lead_outside(*edge)).collect();
        for edge in &edges {
            let Membership::Keys(inside) = self.tables[edge.target()].rows else { continue };
            let (child, key) = (edge.child.clone(), edge.reference.key.clone());
            let rows = self.parents(edge.child, &key);
            match edge.reference.outside {
                Outside::Stub if edge.reference.is_followed && !filters.are_private(edge.target()) => {
                    let stubs = self.stubs(edge.target());
                    self.once(Step::new(stubs, rows).except(vec![inside]), Via::Stub { child, key });
                }
                Outside::Stop => {
                    let found = self.new_set(edge.target());
                    self.once(Step::new(found, rows).except(vec![inside]), Via::Stop { child, key });
                }
                _ => {}
            }
        }
        for edge in &edges {
            let Part { rows: Membership::Keys(inside), stubs, .. } = self.tables[edge.target()] else { continue };
            let Outside::Null(columns) = &edge.reference.outside else { continue };
            let sets: Vec<KeySetId> = std::iter::once(inside).chain(stubs).collect();
            let nulled = columns.iter().map(|column| ReferenceInside {
                column: column.clone(),
                key: edge.reference.key.clone(),
                sets: sets.clone(),
            });
            self.part(edge.child).nulled.extend(nulled);
        }
    }

    /// Adds sets of what a boundary or a scope leaves out although it could have belonged.
    fn count_left_out(&mut self, filters: &Filters<'_>) {
        for filter in filters.sets.iter().filter(|filter| filter.is_boundary()) {
            for (table, belonging) in filter.sets().filter(|(table, _)| *table != filter.table()) {
                let columns = filters.graph.owner_columns(table).to_vec();
                if columns.is_empty() {
                    continue;
                }
                let nobodys = self.new_set(table);
                let rows = Rows::AllNull { columns: columns.clone() };
                self.once(Step::new(nobodys, rows).except(vec![belonging]), Via::NobodysOutside);
                if filter.is_scope() && columns.len() > 1 {
                    self.find_disagreeing(filters.graph, filter, table, belonging);
                }
            }
        }
    }

    fn find_disagreeing(&mut self, graph: &Graph, scope: &FilterSets<'_>, table: &TableName, belonging: KeySetId) {
        let disagreeing = self.new_set(table);
        for edge in graph.owner_edges().filter(|edge| edge.child == table) {
            if let Some(parents) = scope.set(edge.target()) {
                let rows = Rows::Children { key: edge.reference.key.clone(), parents, owners: Vec::new() };
                self.once(Step::new(disagreeing, rows).except(vec![belonging]), Via::OwnersDisagree);
            }
        }
    }

    /// The set of the table's stubs.
    fn stubs(&mut self, table: &TableName) -> KeySetId {
        if let Some(stubs) = self.tables[table].stubs {
            return stubs;
        }
        let stubs = self.new_set(table);
        self.part(table).stubs = Some(stubs);
        stubs
    }

    fn part(&mut self, table: &TableName) -> &mut Part {
        self.tables.get_mut(table).unwrap_or_else(|| unreachable!("every table of the graph has a part"))
    }
}
