//! What an import does, in words.

use crate::model::import::{ImportMode, TableEffect};
use crate::model::import_undo::UndoReport;
use crate::model::text;

/// The modes, each with what it is for.
pub const MODES: [(ImportMode, &str, &str); 3] = [
    (ImportMode::RequireEmpty, "Into empty tables", "Every table that the file has must be empty. For a new database."),
    (
        ImportMode::Append,
        "Beside what is there",
        "The file's records are new. A key that is there already ends the import.",
    ),
    (
        ImportMode::Merge,
        "Merge by key",
        "A record whose key is there, or a natural key of the profile, gets the file's values where they differ; the others are new. What the file does not have stays. Before anything is replaced that changed here since, you are asked.",
    ),
];

/// What an import would do: `adds 12 records, changes 3 records and leaves 2,485 records as they are`.
pub fn describe(effect: TableEffect) -> String {
    sentence(effect, ["adds", "changes", "leaves"])
}

/// The same, once it is done.
pub fn describe_done(effect: TableEffect) -> String {
    sentence(effect, ["added", "changed", "left"])
}

fn sentence(effect: TableEffect, [adds, changes, leaves]: [&str; 3]) -> String {
    let records = |n: u64, verb: &str, rest: &str| {
        (n > 0).then(|| format!("{verb} {}{rest}", text::count_with_noun(n, "record")))
    };
    let parts: Vec<String> = [
        records(effect.created, adds, ""),
        records(effect.updated, changes, ""),
        records(effect.unchanged, leaves, if effect.unchanged == 1 { " as it is" } else { " as they are" }),
    ]
    .into_iter()
    .flatten()
    .collect();
    list(&parts).unwrap_or_else(|| "has no records".to_owned())
}

/// Such as `12 records removed and 3 restored; 1 was changed since, and stays`.
pub fn describe_undo(report: &UndoReport) -> String {
    let sum = |part: fn(&crate::model::import_undo::UndoneTable) -> u64| report.tables.iter().map(part).sum::<u64>();
    let (removed, restored) = (sum(|table| table.removed), sum(|table| table.restored));
    let (returned, changed) = (sum(|table| table.returned), sum(|table| table.changed_since));
    let records = |n: u64, what: &str| (n > 0).then(|| format!("{} {what}", text::count_with_noun(n, "record")));
    let parts: Vec<String> = [
        records(removed, "removed"),
        records(restored, "restored"),
        records(returned, "brought back"),
        records(changed, "changed since the import and left as they are"),
    ]
    .into_iter()
    .flatten()
    .collect();
    list(&parts).unwrap_or_else(|| "nothing to take back".to_owned())
}

fn list(parts: &[String]) -> Option<String> {
    match parts {
        [] => None,
        [one] => Some(one.clone()),
        [first @ .., last] => Some(format!("{} and {last}", first.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_effect_is_a_sentence() {
        let effect = |created, updated, unchanged| {
            describe(TableEffect { created, updated, unchanged, ..TableEffect::default() })
        };
        assert_eq!(effect(12, 3, 2_485), "adds 12 records, changes 3 records and leaves 2,485 records as they are");
        assert_eq!(effect(1, 0, 1), "adds 1 record and leaves 1 record as it is");
        assert_eq!(effect(0, 0, 0), "has no records");
    }
}
