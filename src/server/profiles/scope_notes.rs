//! What an organisation's export will not have, for whoever maintains the profile.

use super::reference_graph::reference_graph;
use crate::model::name::TableName;
use crate::server::profile::{PlannedTables, Profile};
use crate::server::rows::{Catalog, ForeignKey};
use crate::server::subset::{Graph, Outside};

/// The tables that a scope never has, the references that can lead out of it, and those that nobody has reviewed.
pub fn scope_notes(profile: &Profile, catalog: &Catalog, planned: &PlannedTables) -> Vec<String> {
    let Some(scope) = &profile.scopes.organization else { return Vec::new() };
    let graph = reference_graph(planned, catalog, profile, true);
    let reached = graph.in_scope_of(&scope.table);
    let unreached = graph.tables().filter(|table| !reached.contains(*table) && !graph.is_whole(table));
    let unreached = unreached.map(|table| {
        let why = if graph.is_private(table) { "private" } else { "nothing says whose its records are" };
        format!("{table} is never in an organisation's export: {why}")
    });
    unreached.chain(unreviewed(profile, &graph)).chain(leading_outside(&graph)).collect()
}

fn unreviewed(profile: &Profile, graph: &Graph) -> Vec<String> {
    let edges = graph.edges().filter(|edge| !profile.is_reviewed(edge.child, &edge.reference.key));
    let note = |child: &TableName, key: &ForeignKey, outside: &Outside| {
        let effect = match outside {
            Outside::Null(_) => "is null where it leads outside",
            _ => "keeps its value, also where it leads outside",
        };
        format!(
            "{} refers to {}, and the profile does not mention it: in an organisation's export it brings nothing along and \
             {effect}; mention it under [[references]] or [outside]",
            child.field(key.columns.join(", ")),
            key.target
        )
    };
    edges.map(|edge| note(edge.child, &edge.reference.key, &edge.reference.outside)).collect()
}

fn leading_outside(graph: &Graph) -> Vec<String> {
    let edges = graph.edges().filter(|edge| {
        let reference = edge.reference;
        reference.is_followed && !reference.is_owner && !reference.is_sharing && !graph.is_whole(edge.target())
    });
    let note = |child: &TableName, key: &ForeignKey, outside: &Outside| {
        let effect = match outside {
            Outside::Null(column) => format!("{column} is null then"),
            Outside::Stub => "a stub of the record is in then".to_owned(),
            Outside::Stop => "there is no export then".to_owned(),
            Outside::Keep | Outside::Include => "it keeps its value then".to_owned(),
        };
        format!("{} can lead out of an organisation: {effect}", child.field(key.columns.join(", ")))
    };
    edges.map(|edge| note(edge.child, &edge.reference.key, &edge.reference.outside)).collect()
}
