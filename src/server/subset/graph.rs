//! The tables of a database and the references between them.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::name::TableName;
use crate::server::rows::ForeignKey;

/// Tables, and the references from one to another.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    tables: BTreeMap<TableName, Node>,
}

#[derive(Clone, Debug, Default)]
struct Node {
    references: Vec<Reference>,
    ownership: Ownership,
}

/// Whose records a table's records are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ownership {
    /// The columns that name an owner.
    pub columns: Vec<String>,
    /// The table is nobody's: whole in every part, also under a scope.
    pub is_whole: bool,
    /// The records are their authors' own: no scope has them, whatever refers to them.
    pub is_private: bool,
}

/// A reference of a table, and what it means for a subset.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each of them may hold without the others")]
pub struct Reference {
    pub key: ForeignKey,
    /// Records belong to whoever the record belongs to that they refer to.
    pub is_owner: bool,
    /// At most one record has the values that are referred to.
    pub is_to_one: bool,
    /// Under a scope, the record that is referred to is in because this one is.
    pub is_sharing: bool,
    /// A record that is exported brings the record along that it refers to.
    pub is_followed: bool,
    /// What becomes of a reference to a record that must stay outside.
    pub outside: Outside,
}

/// What becomes of a reference to a record that must stay outside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Outside {
    /// The value stays and refers to nothing in the part.
    #[default]
    Keep,
    /// These columns of the reference are read as NULL.
    Null(Vec<String>),
    /// The record is in with a few of its columns.
    Stub,
    /// The record comes along whole. A scope does not allow that.
    Include,
    /// There is no such part.
    Stop,
}

/// A reference with the table that has it.
#[derive(Clone, Copy, Debug)]
pub struct Edge<'a> {
    pub child: &'a TableName,
    pub reference: &'a Reference,
}

impl<'a> Edge<'a> {
    pub fn target(&self) -> &'a TableName {
        &self.reference.key.target
    }
}

impl Graph {
    /// Adds a table. References to tables that are never added lead nowhere. They are followed in the order of the owners,
    /// whatever order the database lists them in: the first one that brings a record is the reason that is told.
    pub fn add(&mut self, table: TableName, mut references: Vec<Reference>, ownership: Ownership) {
        let owner = |reference: &Reference| {
            ownership.columns.iter().position(|column| reference.key.columns.contains(column)).unwrap_or(usize::MAX)
        };
        references.sort_by_cached_key(|reference| (owner(reference), reference.key.clone()));
        self.tables.insert(table, Node { references, ownership });
    }

    /// The columns that name an owner of the table's records.
    #[must_use]
    pub fn owner_columns(&self, table: &TableName) -> &[String] {
        self.tables.get(table).map_or(&[], |node| &node.ownership.columns)
    }

    pub fn is_whole(&self, table: &TableName) -> bool {
        self.tables.get(table).is_some_and(|node| node.ownership.is_whole)
    }

    pub fn is_private(&self, table: &TableName) -> bool {
        self.tables.get(table).is_some_and(|node| node.ownership.is_private)
    }

    pub fn tables(&self) -> impl Iterator<Item = &TableName> {
        self.tables.keys()
    }

    #[must_use]
    pub fn contains(&self, table: &TableName) -> bool {
        self.tables.contains_key(table)
    }

    /// The references between tables that exist.
    pub fn edges(&self) -> impl Iterator<Item = Edge<'_>> {
        let edges = self
            .tables
            .iter()
            .flat_map(|(child, node)| node.references.iter().map(move |reference| Edge { child, reference }));
        edges.filter(|edge| self.contains(edge.target()))
    }

    /// The references along which records belong to others.
    pub fn owner_edges(&self) -> impl Iterator<Item = Edge<'_>> {
        self.edges().filter(|edge| edge.reference.is_owner)
    }

    /// The references of a table that say who the owner is that this column names: those of the column alone, if there are
    /// any, else those that it takes part in.
    pub fn references_of_owner<'a>(&'a self, table: &'a TableName, column: &'a str) -> Vec<&'a Reference> {
        let edges = self.owner_edges().filter(|edge| edge.child == table).map(|edge| edge.reference);
        let (own, wider): (Vec<_>, Vec<_>) = edges
            .filter(|reference| reference.key.columns.iter().any(|named| named == column))
            .partition(|reference| reference.key.columns.len() == 1);
        if own.is_empty() { wider } else { own }
    }

    /// The references that put what they refer to into a scope.
    pub fn sharing_edges(&self) -> impl Iterator<Item = Edge<'_>> {
        self.edges().filter(|edge| edge.reference.is_sharing)
    }

    /// The table and all tables whose records belong, directly or not, to records of it.
    #[must_use]
    pub fn owned_by(&self, root: &TableName) -> BTreeSet<TableName> {
        reachable(root, self.owner_edges().map(|edge| (edge.target(), edge.child)))
    }

    /// The tables that a scope of this table can have records of.
    pub fn in_scope_of(&self, root: &TableName) -> BTreeSet<TableName> {
        let owned = self.owner_edges().map(|edge| (edge.target(), edge.child));
        let shared = self.sharing_edges().map(|edge| (edge.child, edge.target()));
        reachable(root, owned.chain(shared).filter(|(_, to)| !self.is_private(to)))
    }

    /// The tables to whose records the records of this one belong, directly or not, and the table.
    #[must_use]
    pub fn owners_of(&self, table: &TableName) -> BTreeSet<TableName> {
        reachable(table, self.owner_edges().map(|edge| (edge.child, edge.target())))
    }
}

/// The tables that a walk from `start` reaches along the edges.
fn reachable<'a>(
    start: &TableName,
    edges: impl Iterator<Item = (&'a TableName, &'a TableName)>,
) -> BTreeSet<TableName> {
    let edges: Vec<(&TableName, &TableName)> = edges.collect();
    let mut reached = BTreeSet::from([start.clone()]);
    let mut waiting = vec![start.clone()];
    while let Some(table) = waiting.pop() {
        for (_, to) in edges.iter().filter(|(from, _)| **from == table) {
            if reached.insert((*to).clone()) {
                waiting.push((*to).clone());
            }
        }
    }
    reached
}
