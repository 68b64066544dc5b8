//! The statement that takes a row.

use super::super::super::double_quote_identifier;
use super::super::super::target::TableLoad;
use super::super::key_sets::main_table;
use super::changes;
use crate::model::import::TableMode;

/// In a merge, a row that is there already gets the values that differ.
pub fn insert_sql(load: &TableLoad) -> String {
    let into = main_table(&load.table);
    if load.columns.is_empty() {
        return format!("INSERT OR ABORT INTO {into} DEFAULT VALUES");
    }
    let quoted = |names: Vec<&String>| names.into_iter().map(|name| double_quote_identifier(name)).collect::<Vec<_>>();
    let names = quoted(load.columns.iter().collect()).join(", ");
    // The table's own conflict clauses would replace or drop rows without a word.
    let insert = format!("INSERT OR ABORT INTO {into} ({names}) VALUES ({})", vec!["?"; load.columns.len()].join(", "));
    if load.mode != TableMode::Merge {
        return insert;
    }
    let (key, replaced) = (quoted(load.key.iter().collect()).join(", "), quoted(load.replaced().collect()));
    if replaced.is_empty() {
        return format!("{insert} ON CONFLICT ({key}) DO NOTHING");
    }
    let set: Vec<String> = replaced.iter().map(|name| format!("{name} = excluded.{name}")).collect();
    let differs = replaced.iter().map(|name| changes::differ(name, &format!("excluded.{name}")));
    let differs = differs.collect::<Vec<_>>().join(" OR ");
    format!("{insert} ON CONFLICT ({key}) DO UPDATE SET {} WHERE {differs}", set.join(", "))
}
