//! The definition of a subset, as directly as it can be written: sets that grow until nothing is added.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{Filter, Graph};
use super::memory::{Memory, Subset, fulfils, refers};
use crate::model::name::TableName;

pub fn subset(memory: &Memory, graph: &Graph, filters: &[Filter], selected: Option<&BTreeSet<TableName>>) -> Subset {
    let belonging: Vec<Subset> = filters.iter().map(|filter| belongs(memory, graph, filter)).collect();
    let whole = |table: &TableName| (0..memory.0[table].len()).collect::<BTreeSet<usize>>();
    let mut subset = BTreeMap::new();
    for table in graph.tables() {
        let is_selected = selected.is_none_or(|selected| selected.contains(table));
        let is_owner = filters.iter().any(|filter| graph.owners_of(&filter.table).contains(table));
        let reaching: Vec<&BTreeSet<usize>> = belonging.iter().filter_map(|rows| rows.get(table)).collect();
        let rows = match reaching[..] {
            _ if !is_selected => BTreeSet::new(),
            [] if is_owner => BTreeSet::new(),
            _ => whole(table).into_iter().filter(|row| reaching.iter().all(|rows| rows.contains(row))).collect(),
        };
        subset.insert(table.clone(), rows);
    }
    let is_inside = |table: &TableName, row: usize| {
        let mut boundaries = filters.iter().zip(&belonging).filter(|(filter, _)| filter.is_boundary);
        boundaries.all(|(_, rows)| rows.get(table).is_none_or(|rows| rows.contains(&row)))
    };
    loop {
        let mut added = Vec::new();
        for edge in graph.edges().filter(|edge| edge.reference.is_followed) {
            let (key, parents) = (&edge.reference.key, &memory.0[&edge.reference.key.target]);
            for child in &subset[edge.child] {
                let child = &memory.0[edge.child][*child];
                let referred = parents.iter().enumerate().filter(|(_, parent)| refers(child, key, parent));
                added.extend(referred.map(|(row, _)| (&key.target, row)));
            }
        }
        added.retain(|(table, row)| !subset[*table].contains(row) && is_inside(table, *row));
        if added.is_empty() {
            return subset;
        }
        for (table, row) in added {
            subset.get_mut(table).unwrap().insert(row);
        }
    }
}

/// The rows that belong to a filter, of each table that it reaches.
fn belongs(memory: &Memory, graph: &Graph, filter: &Filter) -> Subset {
    let mut belonging: Subset =
        graph.owned_by(&filter.table).into_iter().map(|table| (table, BTreeSet::new())).collect();
    let owners = |table: &TableName| {
        graph
            .owner_edges()
            .filter(|edge| edge.child == table)
            .map(|edge| edge.reference.key.clone())
            .collect::<Vec<_>>()
    };
    loop {
        let mut added = Vec::new();
        for table in belonging.keys() {
            let owners = owners(table);
            for (place, row) in memory.0[table].iter().enumerate() {
                let is_named = *table == filter.table && fulfils(row, &filter.condition);
                let has_owner = graph.owner_columns(table).iter().any(|column| row.contains_key(column));
                let is_nobodys = *table != filter.table && !has_owner && !filter.is_boundary;
                let owner_belongs = owners.iter().any(|key| {
                    let owners = belonging.get(&key.target).into_iter().flatten();
                    owners.into_iter().any(|owner| refers(row, key, &memory.0[&key.target][*owner]))
                });
                if is_named || is_nobodys || owner_belongs {
                    added.push((table.clone(), place));
                }
            }
        }
        added.retain(|(table, place)| !belonging[table].contains(place));
        if added.is_empty() {
            return belonging;
        }
        for (table, place) in added {
            belonging.get_mut(&table).unwrap().insert(place);
        }
    }
}
