//! What puts values into records besides the file, as digests: a plan is stale once one of them is another.

use sha2::{Digest, Sha256};

use super::table_import::ImportColumn;
use crate::model::import_plan::ValueRule;
use crate::model::name::TableName;
use crate::server::profile::OnImport;
use crate::server::rows::Table;
use crate::server::source::{MergeRules, TargetRules};

/// What decides about values that do not come from the file, and which columns there are.
pub fn of_table(
    table: &Table,
    columns_of_file: &[ImportColumn],
    filled: &[(String, OnImport)],
    rules: &TargetRules,
) -> Vec<ValueRule> {
    let fills = filled.iter().map(|(column, on_import)| {
        let what = format!("what the profile fills in {}", table.name.field(column));
        value_rule(what, &format!("{on_import:?}"))
    });
    let columns: Vec<String> =
        table.columns.iter().map(|column| format!("{} {}", column.name, column.native_type)).collect();
    let columns = value_rule(format!("what columns {} has", table.name), &columns.join("\n"));
    let computed = table.columns.iter().filter_map(|column| {
        let (is_ours, field) = (
            columns_of_file.iter().any(|own| own.name == column.name && own.is_written),
            table.name.field(&column.name),
        );
        let is_filled = filled.iter().any(|(name, _)| *name == column.name);
        let definition = rules.defaults.get(&field).filter(|_| column.generated || !is_ours && !is_filled)?;
        let kind = if column.generated { "expression" } else { "default" };
        Some(value_rule(format!("the {kind} of {field}"), definition))
    });
    fills.chain([columns]).chain(computed).collect()
}

/// What the profile says about merges, with the references that follow to other keys.
pub fn of_merge(table: &TableName, rules: &MergeRules) -> ValueRule {
    value_rule(format!("how {table} is merged"), &format!("{rules:?}"))
}

pub fn of_triggers(rules: &TargetRules) -> impl Iterator<Item = ValueRule> {
    rules.triggers.iter().map(|trigger| value_rule(format!("the trigger {}", trigger.name), &trigger.definition))
}

fn value_rule(name: String, definition: &str) -> ValueRule {
    ValueRule { name, sha256: hex::encode(Sha256::digest(definition)) }
}
