//! What belongs to one filter: a set of keys for each table that it reaches.

use std::collections::BTreeMap;

use super::graph::{Edge, Graph};
use super::groups::{Group, in_order_of_flow};
use super::plan::{Belonging, Filter, FilterKind, SetStep, SubsetPlan, Via};
use crate::model::name::TableName;
use crate::server::rows::{Condition, KeySetId, Owner, Rows, Step};

/// The sets of one filter.
pub struct FilterSets<'f> {
    filter: &'f Filter,
    sets: BTreeMap<TableName, KeySetId>,
}

impl<'f> FilterSets<'f> {
    /// Adds to the plan the sets of the filter, and the steps that fill them.
    pub fn plan(plan: &mut SubsetPlan, graph: &Graph, filter: &'f Filter) -> Self {
        let reached = if filter.kind == FilterKind::Scope {
            graph.in_scope_of(&filter.table)
        } else {
            graph.owned_by(&filter.table)
        };
        let sets = reached.into_iter().map(|table| (table.clone(), plan.new_set(&table))).collect();
        let sets = Self { filter, sets };
        let owned = graph.owner_edges().map(|edge| (edge.target(), edge.child));
        let shared = graph.sharing_edges().map(|edge| (edge.child, edge.target()));
        let shared = shared.filter(|_| sets.is_scope());
        for group in in_order_of_flow(sets.sets.keys(), owned.chain(shared)) {
            sets.plan_group(plan, graph, &group);
        }
        sets
    }

    fn plan_group(&self, plan: &mut SubsetPlan, graph: &Graph, group: &Group) {
        if let Some(into) = self.set(&self.filter.table).filter(|_| group.contains(&self.filter.table)) {
            let step = Step::new(into, Rows::Matching(self.filter.condition.clone()));
            plan.once(step, Via::Filter(self.filter.name.clone()));
        }
        let mut inside = Vec::new();
        for table in &group.tables {
            if let Some(step) = self.unowned(graph, table) {
                plan.once(step, Via::Unowned);
            }
            for (step, grows_from) in self.growth(graph, table) {
                if group.contains(&grows_from) {
                    inside.push(step);
                } else {
                    plan.once(step.step, step.via);
                }
            }
        }
        plan.until_stable(inside);
    }

    /// The step for records without an owner, which only a boundary excludes. The filter's own table has those that it
    /// names.
    fn unowned(&self, graph: &Graph, table: &TableName) -> Option<Step> {
        let is_open = self.filter.kind == FilterKind::Open;
        let into = self.set(table).filter(|_| is_open && *table != self.filter.table)?;
        Some(Step::new(into, Rows::AllNull { columns: graph.owner_columns(table).to_vec() }))
    }

    /// The steps by which the table's set grows, each with the table whose set it grows from.
    fn growth(&self, graph: &Graph, table: &TableName) -> Vec<(SetStep, TableName)> {
        let owned = graph.owner_edges().filter(|edge| edge.child == table).filter_map(|edge| self.owned(graph, edge));
        let sharing = graph.sharing_edges().filter(|edge| self.is_scope() && edge.target() == table);
        owned.chain(sharing.filter_map(|edge| self.shared(edge))).collect()
    }

    /// The step from owners to what belongs to them.
    fn owned(&self, graph: &Graph, edge: Edge<'_>) -> Option<(SetStep, TableName)> {
        let key = &edge.reference.key;
        let (into, parents) = (self.set(edge.child)?, self.set(&key.target)?);
        let mut owners = if self.is_scope() { self.owners(graph, edge.child) } else { Vec::new() };
        // That the record refers to one in the set is what the step looks for.
        owners.retain(|owner| !owner.is_unambiguous || owner.references.iter().any(|(other, _)| other != key));
        let step = Step::new(into, Rows::Children { key: key.clone(), parents, owners });
        Some((SetStep { step, via: Via::Owner(key.clone()) }, key.target.clone()))
    }

    /// The owners of a table's records, all of which must be in the scope.
    fn owners(&self, graph: &Graph, table: &TableName) -> Vec<Owner> {
        let owner = |column: &String| {
            let references = graph.references_of_owner(table, column);
            // Of one record that is referred to, it is enough to know that it is inside.
            let is_unambiguous = matches!(references[..], [only] if only.is_to_one);
            let references =
                references.into_iter().map(|reference| (reference.key.clone(), self.set(&reference.key.target)));
            Owner { column: column.clone(), references: references.collect(), is_unambiguous }
        };
        graph.owner_columns(table).iter().map(owner).collect()
    }

    /// The step from records in the scope to those that they share.
    fn shared(&self, edge: Edge<'_>) -> Option<(SetStep, TableName)> {
        let (into, children) = (self.set(edge.target())?, self.set(edge.child)?);
        let (child, key) = (edge.child.clone(), edge.reference.key.clone());
        let rows = Rows::Parents { child: child.clone(), key: key.clone(), children: Some(children) };
        let via = Via::Sharing { child: child.clone(), key };
        Some((SetStep { step: Step::new(into, rows), via }, child))
    }

    pub fn to_belonging(&self, graph: &Graph) -> Belonging {
        let owners = |table: &TableName| {
            let edges = graph.owner_edges().filter(|edge| edge.child == table);
            edges.map(|edge| edge.reference.key.clone()).collect()
        };
        let sharing = |table: &TableName| {
            let edges = graph.sharing_edges().filter(|edge| self.is_scope() && edge.target() == table);
            edges.map(|edge| (edge.child.clone(), edge.reference.key.clone())).collect()
        };
        Belonging {
            name: self.filter.name.clone(),
            table: self.filter.table.clone(),
            is_range: matches!(self.filter.condition, Condition::Range { .. }),
            sharing: self.sets.keys().map(|table| (table.clone(), sharing(table))).collect(),
            owners: self.sets.keys().map(|table| (table.clone(), owners(table))).collect(),
            sets: self.sets.clone(),
        }
    }

    /// The set of the table's rows that belong to the filter; `None` if the filter does not reach the table.
    pub fn set(&self, table: &TableName) -> Option<KeySetId> {
        self.sets.get(table).copied()
    }

    pub fn sets(&self) -> impl Iterator<Item = (&TableName, KeySetId)> {
        self.sets.iter().map(|(table, set)| (table, *set))
    }

    pub fn table(&self) -> &TableName {
        &self.filter.table
    }

    pub fn name(&self) -> &str {
        &self.filter.name
    }

    pub fn is_scope(&self) -> bool {
        self.filter.kind == FilterKind::Scope
    }

    /// Whether what belongs to others stays outside.
    pub fn is_boundary(&self) -> bool {
        self.filter.kind != FilterKind::Open
    }
}
