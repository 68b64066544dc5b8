//! The definition of a subset, as directly as it can be written: sets that grow until nothing is added.

use std::collections::BTreeSet;

use super::super::{Filter, FilterKind, Graph, Outside, Reference};
use super::memory::{Found, Memory, Row, Subset, fulfils, refers};
use crate::model::name::TableName;

pub fn subset(memory: &Memory, graph: &Graph, filters: &[Filter], selected: Option<&BTreeSet<TableName>>) -> Found {
    let definition = Definition {
        memory,
        graph,
        filters,
        belonging: filters.iter().map(|filter| belongs(memory, graph, filter)).collect(),
    };
    let mut rows: Subset = graph.tables().map(|table| (table.clone(), definition.asked_for(table, selected))).collect();
    definition.bring_along(&mut rows);
    let is_partial: BTreeSet<&TableName> =
        graph.tables().filter(|table| definition.is_partial(table, selected)).collect();
    let (stubs, stops) = definition.outside(&rows, &is_partial);
    let nulled = definition.nulled(&rows, &stubs, &is_partial);
    Found { disagreeing: definition.disagreeing(), rows, stubs, nulled, stops }
}

struct Definition<'d> {
    memory: &'d Memory,
    graph: &'d Graph,
    filters: &'d [Filter],
    /// What belongs to each filter, of the tables that it reaches.
    belonging: Vec<Subset>,
}

impl Definition<'_> {
    fn asked_for(&self, table: &TableName, selected: Option<&BTreeSet<TableName>>) -> BTreeSet<usize> {
        let whole = (0..self.memory.0[table].len()).collect::<BTreeSet<usize>>();
        let is_selected = selected.is_none_or(|selected| selected.contains(table));
        let is_below = self.filters.iter().any(|filter| self.graph.owners_of(&filter.table).contains(table));
        let reaching: Vec<&BTreeSet<usize>> = self.belonging.iter().filter_map(|rows| rows.get(table)).collect();
        match reaching[..] {
            _ if !is_selected => BTreeSet::new(),
            _ if self.graph.is_whole(table) => whole,
            _ if self.is_kept_out(table) => BTreeSet::new(),
            [] if is_below => BTreeSet::new(),
            _ => whole.into_iter().filter(|row| reaching.iter().all(|rows| rows.contains(row))).collect(),
        }
    }

    /// Whether the table may lack rows. One with a filter on it is partial even if all its rows happen to be in.
    fn is_partial(&self, table: &TableName, selected: Option<&BTreeSet<TableName>>) -> bool {
        let is_selected = selected.is_none_or(|selected| selected.contains(table));
        let is_reached = self.belonging.iter().any(|rows| rows.contains_key(table));
        let is_below = self.filters.iter().any(|filter| self.graph.owners_of(&filter.table).contains(table));
        !is_selected || !self.graph.is_whole(table) && (is_reached || is_below || self.is_kept_out(table))
    }

    /// A scope has nothing of tables that it does not reach.
    fn is_kept_out(&self, table: &TableName) -> bool {
        let mut filters = self.filters.iter().zip(&self.belonging);
        !self.graph.is_whole(table)
            && filters.any(|(filter, rows)| filter.kind == FilterKind::Scope && !rows.contains_key(table))
    }

    /// Whether a reference may bring this row along.
    fn is_allowed(&self, reference: &Reference, row: usize) -> bool {
        let table = &reference.key.target;
        let mut filters = self.filters.iter().zip(&self.belonging);
        !self.is_kept_out(table)
            && filters.all(|(filter, rows)| match filter.kind {
                FilterKind::Open => true,
                FilterKind::Boundary if reference.outside == Outside::Include => true,
                _ => rows.get(table).is_none_or(|rows| rows.contains(&row)),
            })
    }

    fn bring_along(&self, subset: &mut Subset) {
        loop {
            let mut added = Vec::new();
            for edge in self.graph.edges().filter(|edge| edge.reference.is_followed) {
                for place in self.referred(subset, edge.child, edge.reference) {
                    if !subset[edge.target()].contains(&place) && self.is_allowed(edge.reference, place) {
                        added.push((edge.target(), place));
                    }
                }
            }
            if added.is_empty() {
                return;
            }
            for (table, row) in added {
                subset.get_mut(table).unwrap().insert(row);
            }
        }
    }

    /// The rows that rows in the subset refer to.
    fn referred(&self, subset: &Subset, child: &TableName, reference: &Reference) -> BTreeSet<usize> {
        let children = subset[child].iter().map(|place| &self.memory.0[child][*place]);
        let parents = &self.memory.0[&reference.key.target];
        let referred = |child: &Row| {
            let referred = parents.iter().enumerate().filter(|(_, parent)| refers(child, &reference.key, parent));
            referred.map(|(place, _)| place).collect::<Vec<_>>()
        };
        children.flat_map(referred).collect()
    }

    /// Stubs, and the number of rows that stop the part.
    fn outside(&self, subset: &Subset, is_partial: &BTreeSet<&TableName>) -> (Subset, usize) {
        let mut stubs: Subset = self.graph.tables().map(|table| (table.clone(), BTreeSet::new())).collect();
        let mut stops = 0;
        for edge in self.graph.edges().filter(|edge| is_partial.contains(edge.target())) {
            let is_followed = edge.reference.is_followed;
            let mut referred = self.referred(subset, edge.child, edge.reference);
            referred.retain(|row| !subset[edge.target()].contains(row));
            let is_private = self.graph.is_private(edge.target()) && self.is_kept_out(edge.target());
            match edge.reference.outside {
                Outside::Stub if is_followed && !is_private => stubs.get_mut(edge.target()).unwrap().extend(referred),
                Outside::Stop => stops += referred.len(),
                _ => {}
            }
        }
        (stubs, stops)
    }

    /// Values whose reference is to nothing in the part.
    fn nulled(
        &self,
        subset: &Subset,
        stubs: &Subset,
        is_partial: &BTreeSet<&TableName>,
    ) -> BTreeSet<(TableName, usize, String)> {
        let mut nulled = BTreeSet::new();
        for edge in self.graph.edges().filter(|edge| is_partial.contains(edge.target())) {
            let Outside::Null(columns) = &edge.reference.outside else { continue };
            let is_limited = self
                .filters
                .iter()
                .zip(&self.belonging)
                .any(|(filter, rows)| filter.kind != FilterKind::Open && rows.contains_key(edge.target()));
            if edge.reference.is_followed && !is_limited && !self.is_kept_out(edge.target()) {
                continue;
            }
            for place in &subset[edge.child] {
                let row = &self.memory.0[edge.child][*place];
                let mut inside = subset[edge.target()].union(&stubs[edge.target()]);
                let is_inside =
                    inside.any(|parent| refers(row, &edge.reference.key, &self.memory.0[edge.target()][*parent]));
                for column in columns.iter().filter(|column| row.contains_key(*column) && !is_inside) {
                    nulled.insert((edge.child.clone(), *place, column.clone()));
                }
            }
        }
        nulled
    }

    /// Rows under a scope of which an owner belongs, and which do not.
    fn disagreeing(&self) -> Subset {
        let mut disagreeing = Subset::new();
        for (filter, belonging) in self.filters.iter().zip(&self.belonging) {
            let tables = belonging.iter().filter(|_| filter.kind == FilterKind::Scope);
            for (table, rows) in tables.filter(|(table, _)| **table != filter.table) {
                let edges = self.graph.owner_edges().filter(|edge| edge.child == table);
                let has_several = self.graph.owner_columns(table).len() > 1;
                for edge in edges.filter(|_| has_several) {
                    let owners = belonging.get(edge.target()).into_iter().flatten();
                    for owner in owners.map(|owner| &self.memory.0[edge.target()][*owner]) {
                        let children = self.memory.0[table].iter().enumerate();
                        let owned = children.filter(|(_, row)| refers(row, &edge.reference.key, owner));
                        let outside = owned.map(|(place, _)| place).filter(|place| !rows.contains(place));
                        disagreeing.entry(table.clone()).or_default().extend(outside);
                    }
                }
            }
        }
        disagreeing.retain(|_, rows| !rows.is_empty());
        disagreeing
    }
}

/// The rows that belong to a filter, of each table that it reaches.
pub fn belongs(memory: &Memory, graph: &Graph, filter: &Filter) -> Subset {
    let is_scope = filter.kind == FilterKind::Scope;
    let reached = if is_scope { graph.in_scope_of(&filter.table) } else { graph.owned_by(&filter.table) };
    let mut belonging: Subset = reached.into_iter().map(|table| (table, BTreeSet::new())).collect();
    loop {
        let mut added = Vec::new();
        for table in belonging.keys() {
            for (place, row) in memory.0[table].iter().enumerate() {
                let is_named = *table == filter.table && fulfils(row, &filter.condition);
                let is_in = is_named
                    || if is_scope {
                        all_owners_belong(memory, graph, &belonging, table, row)
                            || is_shared(memory, graph, &belonging, table, row)
                    } else {
                        let has_owner = graph.owner_columns(table).iter().any(|column| row.contains_key(column));
                        let is_nobodys = *table != filter.table && !has_owner && filter.kind == FilterKind::Open;
                        is_nobodys || owner_belongs(memory, graph, &belonging, table, row)
                    };
                if is_in {
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

/// Whether any owner of the row belongs.
fn owner_belongs(memory: &Memory, graph: &Graph, belonging: &Subset, table: &TableName, row: &Row) -> bool {
    let mut edges = graph.owner_edges().filter(|edge| edge.child == table);
    edges.any(|edge| leads_inside(memory, belonging, edge.reference, row))
}

fn leads_inside(memory: &Memory, belonging: &Subset, reference: &Reference, row: &Row) -> bool {
    let mut owners = belonging.get(&reference.key.target).into_iter().flatten();
    owners.any(|owner| refers(row, &reference.key, &memory.0[&reference.key.target][*owner]))
}

fn all_owners_belong(memory: &Memory, graph: &Graph, belonging: &Subset, table: &TableName, row: &Row) -> bool {
    let mut named = graph.owner_columns(table).iter().filter(|column| row.contains_key(*column)).peekable();
    let references = |column: &String| {
        let references = graph.references_of_owner(table, column).into_iter();
        let mut inside = references.filter(|reference| leads_inside(memory, belonging, reference, row));
        inside.next().is_some()
    };
    named.peek().is_some() && named.all(references) && owner_belongs(memory, graph, belonging, table, row)
}

/// Whether a row in the scope shares this one.
fn is_shared(memory: &Memory, graph: &Graph, belonging: &Subset, table: &TableName, row: &Row) -> bool {
    let mut edges = graph.sharing_edges().filter(|edge| edge.target() == table);
    edges.any(|edge| {
        let mut sharing = belonging.get(edge.child).into_iter().flatten();
        sharing.any(|child| refers(&memory.0[edge.child][*child], &edge.reference.key, row))
    })
}
