//! What filters mean for tables and references: which of them reach a table, and where a reference may lead outside.

use super::filter_sets::FilterSets;
use super::graph::{Edge, Graph, Outside};
use crate::model::name::TableName;
use crate::server::rows::KeySetId;

/// The filters of a plan, with the sets of what belongs to each.
pub struct Filters<'f> {
    pub graph: &'f Graph,
    pub sets: Vec<FilterSets<'f>>,
}

impl<'f> Filters<'f> {
    pub fn new(graph: &'f Graph, sets: Vec<FilterSets<'f>>) -> Self {
        Self { graph, sets }
    }

    pub fn reaching(&self, table: &TableName) -> impl Iterator<Item = &FilterSets<'f>> {
        self.sets.iter().filter(move |filter| filter.set(table).is_some())
    }

    /// Whether a scope has nothing of the table.
    pub fn keep_out(&self, table: &TableName) -> bool {
        !self.graph.is_whole(table) && self.sets.iter().any(|filter| filter.is_scope() && filter.set(table).is_none())
    }

    pub fn are_private(&self, table: &TableName) -> bool {
        self.graph.is_private(table) && self.keep_out(table)
    }

    /// Whether records of a filtered table belong to those of this one.
    pub fn are_below(&self, table: &TableName) -> bool {
        self.sets.iter().any(|filter| self.graph.owners_of(filter.table()).contains(table))
    }

    /// The sets that a record must be in to come along by this reference.
    pub fn limits(&self, edge: Edge<'_>) -> Vec<KeySetId> {
        let limiting = self.sets.iter().filter(|filter| match edge.reference.outside {
            Outside::Include => filter.is_scope(),
            _ => filter.is_boundary(),
        });
        limiting.filter_map(|filter| filter.set(edge.target())).collect()
    }

    /// Whether a record that is in may refer by this reference to one that is not.
    pub fn can_lead_outside(&self, edge: Edge<'_>) -> bool {
        if !edge.reference.is_followed || self.keep_out(edge.target()) {
            return true;
        }
        let mut limiting =
            self.sets.iter().filter(|filter| filter.is_boundary() && filter.set(edge.target()).is_some());
        edge.reference.outside != Outside::Include && limiting.any(|filter| !self.surely_belongs(edge, filter))
    }

    /// Whether what the reference leads to belongs to the filter because the row that has it does.
    fn surely_belongs(&self, edge: Edge<'_>, filter: &FilterSets<'_>) -> bool {
        // A row that was included although it does not belong says nothing about its owner.
        let is_included = |edge: Edge<'_>| edge.reference.is_followed && edge.reference.outside == Outside::Include;
        let has_only_belonging = filter.set(edge.child).is_some()
            && *edge.child != *filter.table()
            && !self.graph.is_whole(edge.child)
            && (filter.is_scope()
                || !self.graph.edges().any(|other| other.target() == edge.child && is_included(other)));
        has_only_belonging && (self.is_owner_of(edge, filter) || self.has_same_owners(edge, filter))
    }

    /// Whether every row that belongs does so because of the row that this reference leads to.
    fn is_owner_of(&self, edge: Edge<'_>, filter: &FilterSets<'_>) -> bool {
        let is_sole = filter.is_scope() || self.graph.owner_columns(edge.child).len() == 1;
        edge.reference.is_owner
            && edge.reference.is_to_one
            && is_sole
            && self.is_sole_reference(edge)
            && !self.is_shared(edge.child, filter)
    }

    /// Whether the reference takes the owners along: each owner of the row that it leads to is an owner of the row that
    /// has it.
    fn has_same_owners(&self, edge: Edge<'_>, filter: &FilterSets<'_>) -> bool {
        let key = &edge.reference.key;
        let of_target = self.graph.owner_columns(edge.target());
        let is_same = |column: &String| {
            let own = key.target_columns.iter().position(|target| target == column).map(|place| &key.columns[place]);
            let (Some(own), Some(theirs)) =
                (own.and_then(|own| self.owner(edge.child, own)), self.owner(edge.target(), column))
            else {
                return false;
            };
            let is_to_one = own.reference.is_to_one && theirs.reference.is_to_one;
            let (own, theirs) = (&own.reference.key, &theirs.reference.key);
            is_to_one && (&own.target, &own.target_columns) == (&theirs.target, &theirs.target_columns)
        };
        let is_sole = filter.is_scope() || self.graph.owner_columns(edge.child).len() == 1;
        is_sole && !of_target.is_empty() && of_target.iter().all(is_same) && !self.is_shared(edge.child, filter)
    }

    /// The only reference of this column, which names an owner.
    fn owner(&self, table: &TableName, column: &str) -> Option<Edge<'_>> {
        let mut edges = self.graph.owner_edges().filter(|edge| edge.child == table);
        let edge = edges.find(|edge| edge.reference.key.columns == [column])?;
        self.is_sole_reference(edge).then_some(edge)
    }

    /// Whether no other reference names an owner by the same columns.
    fn is_sole_reference(&self, edge: Edge<'_>) -> bool {
        let columns = &edge.reference.key.columns;
        let naming = self.graph.owner_edges().filter(|other| other.child == edge.child);
        naming.filter(|other| other.reference.key.columns.iter().any(|column| columns.contains(column))).count() == 1
    }

    /// Whether rows of the table may be in the scope without an owner: others share them.
    fn is_shared(&self, table: &TableName, filter: &FilterSets<'_>) -> bool {
        filter.is_scope() && self.graph.sharing_edges().any(|edge| edge.target() == table)
    }
}
