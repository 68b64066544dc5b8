//! What must be decided before a merge can be done, in words.

use super::table_import::{ImportPlan, TableImport};
use crate::model::import::{TableEffect, TablePolicies, TablePolicy, TableReport};
use crate::model::text;

const DECIDES_CHANGED: &str =
    "--policy newer leaves records that changed here since or are hidden as they are, --policy file replaces them";
const DECIDES_OTHER_KEY: &str =
    "--policy TABLE=file takes records with another natural key for the same and replaces them";

/// What decides the conflicts of these tables, on the command line.
#[must_use]
pub fn how_to_decide(reports: &[TableReport], policies: &TablePolicies) -> Vec<&'static str> {
    let any = |is_open: &dyn Fn(TableEffect, Option<TablePolicy>) -> bool| {
        reports.iter().any(|report| is_open(report.effect, policies.get(&report.table).copied()))
    };
    let changed = any(&|effect, policy| policy.is_none() && effect.changed_here + effect.hidden > 0);
    let other_key = any(&|effect, policy| is_other_key_open(policy) && effect.other_natural_key > 0);
    changed.then_some(DECIDES_CHANGED).into_iter().chain(other_key.then_some(DECIDES_OTHER_KEY)).collect()
}

/// Who leaves what is newer has not said that it is the same record.
fn is_other_key_open(policy: Option<TablePolicy>) -> bool {
    matches!(policy, None | Some(TablePolicy::Newer))
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
            .then(|| format!("{} of {name} not the same here: its policy is stop", records(effect.updated))),
        (table.must_be_new && there > 0).then(|| {
            format!("{} of {name} have a key that is there already; mode merge replaces what differs", records(there))
        }),
        // Of one person's records, the key says which is which.
        (table.owner.is_none() && is_other_key_open(table.policy) && effect.other_natural_key > 0).then(|| {
            let keys: Vec<String> = table.merge.natural_keys.iter().map(ToString::to_string).collect();
            let (other, keys) = (records(effect.other_natural_key), keys.join("; "));
            format!("{other} of {name} with another natural key ({keys}) here than in the file: maybe not the same")
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
            .then(|| format!("{} of {name} hidden here, with other values: they {fate}", records(effect.hidden))),
        (effect.outside > 0).then(|| {
            let outside = records(effect.outside);
            format!("{outside} of {name} with other values here, not among those that are replaced: left alone")
        }),
        (effect.matched > 0).then(|| {
            let matched = records(effect.matched);
            format!("{matched} of {name} found under another key, by a natural one: references to them follow")
        }),
    ];
    sentences.into_iter().flatten().collect()
}
