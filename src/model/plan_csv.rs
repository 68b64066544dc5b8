//! The changes of an import's plan as CSV, for whoever goes through them in a spreadsheet.

use serde::Serialize;

use super::csv::{cell, escape_formula, line};
use super::import_plan::PlannedChange;
use super::name::TableName;
use super::text::unquote;

/// The first line.
#[must_use]
pub fn header() -> String {
    line(["table", "key", "action", "reason", "column", "before", "after"])
}

/// A line for each value that changes, or one if the record comes or goes. `reason` is the code that the plan has.
#[must_use]
pub fn lines(table: &TableName, change: &PlannedChange) -> String {
    let key: Vec<_> = change.key.iter().map(|(_, value)| unquote(value.get())).collect();
    let [table, key] = [table.as_str(), &key.join(", ")].map(escape_formula);
    let [action, reason] = [code(&change.action), code(&change.reason)];
    let one = |column: &str, before: &str, after: &str| {
        let [column, before, after] = [escape_formula(column), cell(before), cell(after)];
        line([&table, &key, &action, &reason, &column, &before, &after])
    };
    if change.changes.is_empty() {
        return one("", "null", "null");
    }
    change.changes.iter().map(|(column, pair)| one(column, pair.before.get(), pair.after.get())).collect()
}

fn code(value: &impl Serialize) -> String {
    serde_json::to_string(value).map(|json| unquote(&json).into_owned()).unwrap_or_default()
}
