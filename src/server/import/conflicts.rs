//! What must be decided before a merge can be done, in words.

use super::table_import::{ImportPlan, TableImport};
use crate::model::import::{TableEffect, TablePolicy, TableReport};
use crate::model::text;

/// What decides conflicts, on the command line.
pub const HOW_TO_DECIDE: &str =
    "--policy newer leaves records that changed here since or are hidden as they are, --policy file replaces them";

/// Whether `HOW_TO_DECIDE` is about any of the records.
#[must_use]
pub fn is_undecided(reports: &[TableReport]) -> bool {
    reports.iter().any(|report| report.effect.changed_here + report.effect.hidden > 0)
}

/// One sentence for each table and kind of conflict. The reports are those of the plan's tables.
pub fn find_conflicts(plan: &ImportPlan, reports: &[TableReport]) -> Vec<String> {
    plan.tables.iter().zip(reports).flat_map(|(table, report)| of_table(table, report.effect)).collect()
}

/// What must be decided about a table before its records may be written: one sentence each.
fn of_table(table: &TableImport, effect: TableEffect) -> Vec<String> {
    let (name, there) = (&table.table, effect.updated + effect.unchanged);
    let records = |records| text::count_with_noun(records, "record");
    let sentences = [
        (table.policy == Some(TablePolicy::Stop) && effect.updated > 0)
            .then(|| format!("{} of {name} differ from what is there (--policy {name}=stop)", records(effect.updated))),
        (table.must_be_new && there > 0).then(|| {
            format!("{} of {name} have a key that is there already; mode merge replaces what differs", records(there))
        }),
        (table.policy.is_none() && effect.changed_here > 0)
            .then(|| format!("{} of {name} changed here since the file was made", records(effect.changed_here))),
        (table.policy.is_none() && effect.hidden > 0)
            .then(|| format!("{} of {name}, hidden here, would be changed", records(effect.hidden))),
    ];
    sentences.into_iter().flatten().collect()
}

/// What is worth knowing about conflicts that were decided, and about records that are there under another key.
pub fn merge_notes(table: &TableImport, effect: TableEffect) -> Vec<String> {
    let (name, records) = (&table.table, |records| text::count_with_noun(records, "record"));
    let fate = if table.merge.keeps_conflicts { "stay as they are" } else { "get the file's values" };
    let is_decided = matches!(table.policy, Some(TablePolicy::File | TablePolicy::Newer));
    let sentences = [
        (is_decided && effect.changed_here > 0).then(|| {
            format!("{} of {name} changed here since the file was made: they {fate}", records(effect.changed_here))
        }),
        (is_decided && effect.hidden > 0)
            .then(|| format!("{} of {name} differ and are hidden here: they {fate}", records(effect.hidden))),
        (effect.matched > 0).then(|| {
            let matched = records(effect.matched);
            format!("{matched} of {name} found under another key, by a natural one: references to them follow")
        }),
    ];
    sentences.into_iter().flatten().collect()
}
