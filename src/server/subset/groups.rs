//! Tables in groups: those that refer to each other in a circle are filled together, until nothing is added.

use std::collections::BTreeMap;

use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use crate::model::name::TableName;

/// Tables that must be filled together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub tables: Vec<TableName>,
}

impl Group {
    pub fn contains(&self, table: &TableName) -> bool {
        self.tables.contains(table)
    }
}

/// Groups the tables so that rows flow from earlier groups to later ones, and in circles only within a group. A flow is a
/// pair: rows of the second table are added because of rows of the first.
pub fn in_order_of_flow<'a>(
    tables: impl Iterator<Item = &'a TableName>,
    flows: impl Iterator<Item = (&'a TableName, &'a TableName)>,
) -> Vec<Group> {
    let mut graph = DiGraph::<TableName, ()>::new();
    let nodes: BTreeMap<&TableName, NodeIndex> = tables.map(|table| (table, graph.add_node(table.clone()))).collect();
    for (from, to) in flows {
        if let (Some(from), Some(to)) = (nodes.get(from), nodes.get(to)) {
            graph.update_edge(*from, *to, ());
        }
    }
    // Tarjan's algorithm finds the groups in the reverse order of the edges.
    let mut groups = tarjan_scc(&graph);
    groups.reverse();
    let sorted = |mut group: Vec<NodeIndex>| {
        group.sort_unstable();
        Group { tables: group.into_iter().map(|node| graph[node].clone()).collect() }
    };
    groups.into_iter().map(sorted).collect()
}
