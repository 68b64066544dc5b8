//! What the exports of organisations and people will not have, for whoever maintains the profile.

use super::reference_graph::reference_graph;
use crate::model::name::{FieldName, TableName};
use crate::model::selection::ScopeKind;
use crate::server::profile::{PlannedTables, Profile, ScopeProfile};
use crate::server::rows::Catalog;
use crate::server::subset::{Edge, Outside};

/// The tables that a scope never has, the references that can lead out of it, those that nobody has reviewed, and the paths of
/// owners without an index.
pub fn scope_notes(profile: &Profile, catalog: &Catalog, planned: &PlannedTables) -> Vec<String> {
    let scopes = profile.scopes.iter();
    scopes.flat_map(|(kind, scope)| notes_of_scope(profile, catalog, planned, kind, scope)).collect()
}

fn notes_of_scope(
    profile: &Profile,
    catalog: &Catalog,
    planned: &PlannedTables,
    kind: ScopeKind,
    scope: &ScopeProfile,
) -> Vec<String> {
    let whose = kind.in_words();
    let graph = reference_graph(planned, catalog, profile, Some(kind));
    let reached = graph.in_scope_of(&scope.table);
    let unreached = graph.tables().filter(|table| !reached.contains(*table) && !graph.is_whole(table));
    let not_whole = |table: &TableName| {
        let is_of_others = kind == ScopeKind::Person && profile.is_whole(table);
        if is_of_others {
            "its records are somebody's, so it is not whole".to_owned()
        } else {
            profile.why_in_no_scope(table)
        }
    };
    let unreached = unreached.map(|table| format!("{table} is never in {whose}'s export: {}", not_whole(table)));
    let stubs = profile.unknown_stub_columns(catalog).into_iter();
    let stubs = stubs.map(|(rule, field)| {
        format!("[outside] {rule}: {field} is no column that is exported, so a part with such a stub is refused")
    });
    let is_in_question = |edge: &Edge<'_>| reached.contains(edge.child) && !graph.is_whole(edge.target());
    let unreviewed =
        graph.edges().filter(|edge| is_in_question(edge) && !profile.is_reviewed(edge.child, &edge.reference.key));
    let leading = graph.edges().filter(|edge| is_in_question(edge) && can_lead_outside(edge));
    let is_slow = |edge: &Edge<'_>| is_owner_without_index(edge, catalog);
    let slow =
        graph.edges().filter(|edge| reached.contains(edge.child) && is_slow(edge)).map(|edge| slow_note(edge, whose));
    stubs
        .chain(slow)
        .chain(unreached)
        .chain(unreviewed.map(|edge| unreviewed_note(edge, whose)))
        .chain(leading.map(|edge| leading_note(edge, whose)))
        .collect()
}

fn can_lead_outside(edge: &Edge<'_>) -> bool {
    edge.reference.is_followed && !edge.reference.is_owner && !edge.reference.is_sharing
}

fn is_owner_without_index(edge: &Edge<'_>, catalog: &Catalog) -> bool {
    let Some(column) = edge.reference.key.columns.first().filter(|_| edge.reference.is_owner) else { return false };
    catalog.table(edge.child).is_some_and(|table| !table.indexed.contains(column))
}

fn slow_note(edge: Edge<'_>, whose: &str) -> String {
    format!("{} has no index, so whatever belongs to {whose} is found by reading all of {}", field(edge), edge.child)
}

fn unreviewed_note(edge: Edge<'_>, whose: &str) -> String {
    let effect = match edge.reference.outside {
        Outside::Null(_) => "is null where it leads outside",
        Outside::Stop => "stops the export where it leads outside",
        _ => "keeps its value, also where it leads outside and to nothing in the file",
    };
    format!(
        "{} refers to {}, and the profile does not mention it: in {whose}'s export it brings nothing along and {effect}; \
         mention it under [[references]] or [outside]",
        field(edge),
        edge.target()
    )
}

fn leading_note(edge: Edge<'_>, whose: &str) -> String {
    let effect = match &edge.reference.outside {
        Outside::Null(columns) => format!("{} is null then", columns.join(" and ")),
        Outside::Stub => "a stub of the record is in then".to_owned(),
        Outside::Stop => "there is no export then".to_owned(),
        Outside::Keep | Outside::Include => "it keeps its value then".to_owned(),
    };
    format!("{} can lead out of {whose}: {effect}", field(edge))
}

fn field(edge: Edge<'_>) -> FieldName {
    edge.child.field(edge.reference.key.columns.join(", "))
}
