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
    /// The columns that name an owner.
    owner_columns: Vec<String>,
}

/// A reference of a table, and what it means for a subset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    pub key: ForeignKey,
    /// Records belong to whoever the record belongs to that they refer to.
    pub is_owner: bool,
    /// A record that is exported brings the record along that it refers to.
    pub is_followed: bool,
}

/// A reference with the table that has it.
#[derive(Clone, Copy, Debug)]
pub struct Edge<'a> {
    pub child: &'a TableName,
    pub reference: &'a Reference,
}

impl Graph {
    /// Adds a table, with the columns that name owners of its records. References to tables that are never added lead
    /// nowhere.
    pub fn add(&mut self, table: TableName, references: Vec<Reference>, owner_columns: Vec<String>) {
        self.tables.insert(table, Node { references, owner_columns });
    }

    /// The columns that name an owner of the table's records.
    #[must_use]
    pub fn owner_columns(&self, table: &TableName) -> &[String] {
        self.tables.get(table).map_or(&[], |node| &node.owner_columns)
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
        edges.filter(|edge| self.contains(&edge.reference.key.target))
    }

    /// The references along which records belong to others.
    pub fn owner_edges(&self) -> impl Iterator<Item = Edge<'_>> {
        self.edges().filter(|edge| edge.reference.is_owner)
    }

    /// The table and all tables whose records belong, directly or not, to records of it.
    #[must_use]
    pub fn owned_by(&self, root: &TableName) -> BTreeSet<TableName> {
        self.reachable(root, |edge| (&edge.reference.key.target, edge.child))
    }

    /// The tables to whose records the records of this one belong, directly or not, and the table.
    #[must_use]
    pub fn owners_of(&self, table: &TableName) -> BTreeSet<TableName> {
        self.reachable(table, |edge| (edge.child, &edge.reference.key.target))
    }

    /// The tables that a walk from `start` reaches, along the owner edges in the direction that `ends` gives them.
    fn reachable<'a>(
        &'a self,
        start: &TableName,
        ends: impl Fn(Edge<'a>) -> (&'a TableName, &'a TableName),
    ) -> BTreeSet<TableName> {
        let mut reached = BTreeSet::from([start.clone()]);
        let mut waiting = vec![start.clone()];
        while let Some(table) = waiting.pop() {
            for edge in self.owner_edges() {
                let (from, to) = ends(edge);
                if *from == table && reached.insert(to.clone()) {
                    waiting.push(to.clone());
                }
            }
        }
        reached
    }
}
