//! What an import does, in words.

use super::super::strings;
use crate::model::import::{ImportMode, TableEffect};
use crate::model::import_undo::UndoReport;
use crate::model::name::TableName;
use crate::model::text;

/// The modes, each with its name and what it is for.
pub const MODES: [(ImportMode, &str, &str); 3] = [
    (ImportMode::Merge, strings::IMPORT_MERGE, strings::IMPORT_MERGE_HINT),
    (ImportMode::Copy, strings::IMPORT_COPY, strings::IMPORT_COPY_HINT),
    (ImportMode::Replace, strings::IMPORT_REPLACE, strings::IMPORT_REPLACE_HINT),
];

/// Such as `removes 2 records, adds 12 records and leaves 40 records as they are`.
pub fn describe(effect: TableEffect, [removes, adds, changes, leaves]: [&str; 4]) -> String {
    let part = |number: u64, verb: &str, rest: &str| {
        (number > 0).then(|| format!("{verb} {}{rest}", text::count_with_noun(number, "record")))
    };
    let as_is = if effect.unchanged == 1 { " as it is" } else { " as they are" };
    let parts: Vec<String> = [
        part(effect.removed, removes, ""),
        part(effect.created, adds, ""),
        part(effect.updated, changes, ""),
        part(effect.unchanged, leaves, as_is),
    ]
    .into_iter()
    .flatten()
    .collect();
    if parts.is_empty() { format!("{leaves} everything as it is") } else { list(&parts) }
}

/// `a, b and c`.
fn list(parts: &[String]) -> String {
    match parts {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        parts => parts.concat(),
    }
}

/// `is_done`: or what an undo would do.
pub fn describe_undo(report: &UndoReport, is_done: bool) -> String {
    let (mut removed, mut restored, mut returned, mut changed) = (0, 0, 0, 0);
    for table in &report.tables {
        removed += table.removed;
        restored += table.restored;
        returned += table.returned;
        changed += table.changed_since;
    }
    let verbs = if is_done {
        ["removed", "restored", "brought back", "left"]
    } else {
        ["removes", "restores", "brings back", "leaves"]
    };
    let part = |number: u64, verb: &str, rest: &str| {
        (number > 0).then(|| format!("{verb} {}{rest}", text::count_with_noun(number, "record")))
    };
    let parts = [
        part(removed, verbs[0], ""),
        part(restored, verbs[1], ""),
        part(returned, verbs[2], ""),
        part(changed, verbs[3], " that changed since"),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    format!("{} {}.", strings::IMPORT_UNDO_IT, list(&parts))
}

/// `person_contacts` becomes `person contacts`.
pub fn kind(table: &TableName) -> String {
    table.as_str().replace('_', " ")
}
