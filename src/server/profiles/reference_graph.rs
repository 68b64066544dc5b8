//! The tables that are exported and the references between them, as the profile wants them read in a part.

use crate::model::name::TableName;
use crate::model::selection::ScopeKind;
use crate::server::profile::{OutsideRule, PlannedTables, Profile};
use crate::server::rows::{Catalog, ForeignKey, Table};
use crate::server::subset::{Graph, Outside, Ownership, Reference};

/// Builds the graph. Under a scope, a reference that the profile does not mention is not followed: nobody has said that it
/// stays in the scope.
///
/// People write the references of their own records, and may write ones to records of others. So nothing but owners decides what
/// a person has: nothing is shared with them, their account belongs to nobody, and of what is outside not even stubs are in.
#[must_use]
pub fn reference_graph(
    planned: &PlannedTables,
    catalog: &Catalog,
    profile: &Profile,
    scope: Option<ScopeKind>,
) -> Graph {
    let mut graph = Graph::default();
    for name in planned.tables.iter().map(|planned| &planned.scan.table) {
        let table = catalog.table(name);
        let is_account = scope == Some(ScopeKind::Person) && is_account(profile, name);
        let ownership = Ownership {
            columns: if is_account { Vec::new() } else { profile.owner_columns(name).to_vec() },
            is_whole: profile.is_whole(name) && !(scope == Some(ScopeKind::Person) && is_of_accounts(profile, table)),
            is_private: profile.is_private(name),
        };
        let references = table.map(|table| references(profile, catalog, table, scope)).unwrap_or_default();
        let owned = |reference: Reference| Reference { is_owner: reference.is_owner && !is_account, ..reference };
        graph.add(name.clone(), references.into_iter().map(owned).collect(), ownership);
    }
    graph
}

/// Whether the table has the accounts that a person's data belongs to.
fn is_account(profile: &Profile, name: &TableName) -> bool {
    profile.scopes.person.as_ref().is_some_and(|scope| scope.table == *name)
}

/// Whether records of the table refer to accounts: it cannot be nobody's.
pub fn is_of_accounts(profile: &Profile, table: Option<&Table>) -> bool {
    table.is_some_and(|table| profile.references_of(table).iter().any(|key| is_account(profile, &key.target)))
}

fn references(profile: &Profile, catalog: &Catalog, table: &Table, scope: Option<ScopeKind>) -> Vec<Reference> {
    let (is_under_scope, is_of_person) = (scope.is_some(), scope == Some(ScopeKind::Person));
    let keys = profile.references_of(table).into_iter();
    let reference = |key: ForeignKey| {
        let is_to_one = is_to_one(catalog, &key);
        let is_reviewed = !is_under_scope || profile.is_reviewed(&table.name, &key);
        let is_followed = is_reviewed && profile.is_followed(&table.name, &key);
        let never_in = is_under_scope && profile.is_private(&key.target);
        let outside = if is_of_person {
            outside_person(profile, table, &key)
        } else if key.is_within_value() {
            outside_within(profile, table, &key)
        } else if is_followed && !never_in {
            outside(profile, table, &key, is_under_scope)
        } else if !is_reviewed && profile.outside_rule(&table.name, &key) == Some(&OutsideRule::Stop) {
            Outside::Stop
        } else {
            nulled(profile, table, &key).unwrap_or(Outside::Keep)
        };
        let is_owner = profile.is_owner(table, &key);
        let is_sharing = !is_of_person && profile.is_sharing(&table.name, &key);
        Reference { key, is_owner, is_to_one, is_sharing, is_followed, outside }
    };
    keys.map(reference).collect()
}

/// Whether one record at most is referred to: by its primary key. Not every database sees to it that other columns are unique
/// that a foreign key refers to.
fn is_to_one(catalog: &Catalog, key: &ForeignKey) -> bool {
    if key.is_within_value() {
        return false;
    }
    let primary_key = catalog.table(&key.target).map_or(&[][..], |target| &target.primary_key);
    !primary_key.is_empty() && primary_key.iter().all(|column| key.target_columns.contains(column))
}

/// What becomes of a person's reference to what is not theirs: it is empty, or leads to nothing in the file.
fn outside_person(profile: &Profile, table: &Table, key: &ForeignKey) -> Outside {
    if profile.outside_rule(&table.name, key) == Some(&OutsideRule::Stop) {
        return Outside::Stop;
    }
    let may_be_null = !key.is_within_value();
    nulled(profile, table, key).filter(|_| may_be_null).unwrap_or(Outside::Keep)
}

/// A part of a value cannot be emptied, so it stays what it is: an id that leads to nothing in the file. What else is done, the
/// profile must say of this very column.
fn outside_within(profile: &Profile, table: &Table, key: &ForeignKey) -> Outside {
    let is_told = key.columns.iter().any(|column| profile.has_outside_rule(&table.name, column));
    match profile.outside_rule(&table.name, key).filter(|_| is_told) {
        Some(OutsideRule::Include) => Outside::Include,
        Some(OutsideRule::Stub(_)) => Outside::Stub,
        Some(OutsideRule::Stop) => Outside::Stop,
        Some(OutsideRule::Null) | None => Outside::Keep,
    }
}

/// What becomes of a reference that leads outside. One that cannot be NULL leaves a stub where NULL is the rule.
fn outside(profile: &Profile, table: &Table, key: &ForeignKey, is_under_scope: bool) -> Outside {
    match profile.outside_rule(&table.name, key) {
        Some(OutsideRule::Include) => Outside::Include,
        Some(OutsideRule::Stop) => Outside::Stop,
        Some(OutsideRule::Stub(_)) => Outside::Stub,
        None if !is_under_scope => Outside::Stub,
        Some(OutsideRule::Null) | None => nulled(profile, table, key).unwrap_or(Outside::Stub),
    }
}

/// The columns of the reference that may be NULL, so that it leads nowhere; not those that name an owner. Nothing, if there are
/// none.
fn nulled(profile: &Profile, table: &Table, key: &ForeignKey) -> Option<Outside> {
    let may_be_null = |name: &&String| {
        let column = table.columns.iter().find(|column| column.name == **name);
        column.is_some_and(|column| column.nullable)
            && !table.primary_key.contains(name)
            && (!profile.owner_columns(&table.name).contains(name) || key.columns.len() == 1)
    };
    let columns: Vec<String> = key.columns.iter().filter(may_be_null).cloned().collect();
    (!columns.is_empty()).then_some(Outside::Null(columns))
}
