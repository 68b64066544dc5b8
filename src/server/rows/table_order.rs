//! Table order in a file: parents first, ties broken by name, a cycle broken at its alphabetically first table.

use std::collections::{BTreeMap, BTreeSet};

use super::schema::Table;
use crate::model::name::TableName;

/// Sorts tables so that foreign keys point backwards wherever the schema allows it.
#[must_use]
pub fn parents_first(tables: Vec<Table>) -> Vec<Table> {
    let mut pending: BTreeMap<TableName, Table> = tables.into_iter().map(|t| (t.name.clone(), t)).collect();
    let mut sorted = Vec::with_capacity(pending.len());
    while let Some(next) = next_table(&pending) {
        sorted.extend(pending.remove(&next));
    }
    sorted
}

fn next_table(pending: &BTreeMap<TableName, Table>) -> Option<TableName> {
    let ready = pending.values().find(|table| pending_parents(table, pending).next().is_none());
    ready.map(|table| table.name.clone()).or_else(|| first_of_cycle(pending))
}

fn pending_parents<'a>(
    table: &'a Table,
    pending: &'a BTreeMap<TableName, Table>,
) -> impl Iterator<Item = &'a TableName> + use<'a> {
    let others = table.parents().filter(|parent| **parent != table.name);
    others.filter(|parent| pending.contains_key(*parent))
}

/// The alphabetically first table of a cycle that depends on no table outside the cycle.
fn first_of_cycle(pending: &BTreeMap<TableName, Table>) -> Option<TableName> {
    let ancestors_of: BTreeMap<&TableName, BTreeSet<&TableName>> =
        pending.keys().map(|name| (name, ancestors(name, pending))).collect();
    let is_in_source_cycle =
        |name: &&TableName| ancestors_of[name].iter().all(|other| ancestors_of[other].contains(name));
    pending.keys().find(is_in_source_cycle).cloned()
}

fn ancestors<'a>(name: &'a TableName, pending: &'a BTreeMap<TableName, Table>) -> BTreeSet<&'a TableName> {
    let mut seen = BTreeSet::new();
    let mut stack = vec![name];
    while let Some(table) = stack.pop().and_then(|name| pending.get(name)) {
        stack.extend(pending_parents(table, pending).filter(|parent| seen.insert(*parent)));
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::rows::ForeignKey;

    fn references(parent: &str) -> ForeignKey {
        ForeignKey::new(vec!["parent".into()], parent.into(), vec!["id".into()])
    }

    fn order_of(tables: &[(&str, &[&str])]) -> Vec<String> {
        let table = |(name, parents): &(&str, &[&str])| Table {
            name: (*name).into(),
            columns: vec![],
            primary_key: vec![],
            foreign_keys: parents.iter().copied().map(references).collect(),
            indexed: vec![],
            comment: None,
        };
        parents_first(tables.iter().map(table).collect()).into_iter().map(|t| t.name.into()).collect()
    }

    #[test]
    fn parents_come_first_and_names_break_ties() {
        assert_eq!(order_of(&[("b", &["z"]), ("z", &[]), ("a", &["z"]), ("c", &[])]), ["c", "z", "a", "b"]);
    }

    #[test]
    fn a_cycle_is_cut_at_its_first_table_and_not_at_a_child_of_it() {
        let tables: &[(&str, &[&str])] =
            &[("a_child", &["users"]), ("users", &["companies"]), ("companies", &["users"])];
        assert_eq!(order_of(tables), ["companies", "users", "a_child"]);
    }

    #[test]
    fn a_table_that_refers_to_itself_waits_for_nobody() {
        assert_eq!(order_of(&[("prompts", &["prompts"]), ("a", &["prompts"])]), ["prompts", "a"]);
    }

    #[test]
    fn a_parent_that_does_not_exist_is_no_reason_to_wait() {
        assert_eq!(order_of(&[("a", &["gone"])]), ["a"]);
    }
}
