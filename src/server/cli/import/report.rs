//! What an import has done, or would do, in words.

use std::collections::BTreeMap;

use super::super::args::{StateFileArgs, UndoFolderArgs};
use crate::model::change_reason::RecordAction;
use crate::model::import::{TableEffect, TablePolicies, TableReport};
use crate::model::import_plan::{ChangeExample, ChangeGroup, ValueChange};
use crate::model::import_report::ImportReport;
use crate::model::name::TableName;
use crate::model::text;
use crate::server::import::how_to_decide;
use crate::server::profile::shell_quote;

/// More kinds of changes are not listed.
const MAX_GROUPS: usize = 10;

/// For people.
pub fn to_text(report: &ImportReport, place: &UndoPlace) -> String {
    let records = text::count_with_noun(report.effect().total(), "record");
    let tables = text::count_with_noun(report.tables.len() as u64, "table");
    let effect = describe(report.effect());
    let changes_nothing = report.effect().written() == 0 && report.effect().total() > 0;
    let mut lines = vec![if changes_nothing {
        let would = if report.written { "nothing changed" } else { "nothing would change" };
        format!("{would}: all {records} in {tables} are there already")
    } else if report.written {
        format!("imported: {records} in {tables}, {effect}, in {}", text::duration(report.duration_ms))
    } else {
        format!("would import: {records} in {tables}, {effect}; nothing was written")
    }];
    let changed = report.tables.iter().filter(|table| table.effect.written() > 0);
    lines.extend(changed.map(|TableReport { table, effect }| {
        format!("          {}: {}", text::one_line(table.as_str()), describe(*effect))
    }));
    lines.extend(group_lines(&report.groups));
    lines.extend(report.conflicts.iter().map(|conflict| format!("conflict  {}", text::one_line(conflict))));
    let hints = how_to_decide(&report.tables, &report.policies);
    lines.extend(hints.iter().filter(|_| !report.conflicts.is_empty()).map(|hint| format!("          {hint}")));
    lines.extend(policy_line(&report.policies));
    lines.extend(report.undo.iter().map(|id| format!("undo      {}  (for a day)", place.undo_command(id))));
    lines.push(format!("seal      {}", report.sha256));
    lines.push(signed_line(report.signed_by.as_deref()));
    lines.extend(report.plan.iter().map(|hash| format!("plan      {hash}")));
    lines.extend(report.triggers.iter().map(|trigger| format!("trigger   {} may run", text::one_line(trigger))));
    lines.extend(report.notes.iter().map(|note| format!("note      {}", text::one_line(note))));
    lines.join("\n")
}

/// What was decided about records that are there.
pub fn policy_line(policies: &TablePolicies) -> Option<String> {
    let mut tables_by_policy: BTreeMap<String, Vec<&TableName>> = BTreeMap::new();
    for (table, policy) in policies {
        tables_by_policy.entry(policy.to_string()).or_default().push(table);
    }
    let lines = tables_by_policy.into_iter().map(|(policy, tables)| match &tables[..] {
        [.., _, _, _, _] => format!("{policy} for {} tables", tables.len()),
        few => few.iter().map(|table| format!("{table}={policy}")).collect::<Vec<_>>().join(", "),
    });
    (!policies.is_empty()).then(|| format!("policy    {}", text::one_line(&lines.collect::<Vec<_>>().join(", "))))
}

/// Where an import can be undone: the options that say so.
pub struct UndoPlace(String);

impl UndoPlace {
    pub fn new(target: &str, state: &StateFileArgs, folder: &UndoFolderArgs) -> Self {
        let option = |name: &str, value: &str| format!("{name} {}", shell_quote(&text::one_line(value)));
        let state = state.state.as_ref().map(|state| option("--state", state));
        let folder = folder.undo_folder.as_ref().map(|folder| option("--undo-folder", &folder.to_string_lossy()));
        let all: Vec<String> = [Some(option("--target", target)), state, folder].into_iter().flatten().collect();
        Self(all.join(" "))
    }

    /// What undoes the import.
    pub fn undo_command(&self, id: &str) -> String {
        format!("waybill import undo {id} {}", self.0)
    }
}

/// By whom a file is signed.
pub fn signed_line(key: Option<&str>) -> String {
    key.map_or_else(|| "signed    by no trusted key".to_owned(), |key| format!("signed    by the key {key}"))
}

/// Such as `12 new, 3 changed, 2,485 unchanged`.
pub fn describe(effect: TableEffect) -> String {
    let parts = [
        (effect.removed, "removed"),
        (effect.created, "new"),
        (effect.updated, "changed"),
        (effect.unchanged, "unchanged"),
    ];
    let parts = parts.iter().filter(|(records, _)| *records > 0);
    let parts: Vec<String> = parts.map(|(records, what)| format!("{} {what}", text::count(*records))).collect();
    if parts.is_empty() { "none of them".to_owned() } else { parts.join(", ") }
}

/// Such as `3,902 × contacts: phone`, each with an example.
pub fn group_lines(groups: &[ChangeGroup]) -> Vec<String> {
    let changed: Vec<&ChangeGroup> = groups.iter().filter(|group| group.action == RecordAction::Update).collect();
    let mut lines = Vec::new();
    for ChangeGroup { table, columns, records, examples, reason, .. } in changed.iter().take(MAX_GROUPS) {
        let columns = if columns.is_empty() { "other columns".to_owned() } else { columns.join(", ") };
        let reason = reason.describe().map(|reason| format!(" ({reason})")).unwrap_or_default();
        lines.push(format!(
            "{:<9} {}",
            "changes",
            text::one_line(&format!("{} × {table}: {columns}{reason}", text::count(*records)))
        ));
        lines.extend(examples.first().map(example_line));
    }
    if changed.len() > MAX_GROUPS {
        let others = text::count_with_noun((changed.len() - MAX_GROUPS) as u64, "other kind");
        lines.push(format!("          and {others} of changes"));
    }
    lines
}

fn example_line(ChangeExample { key, changes }: &ChangeExample) -> String {
    let change = |change: &ValueChange| format!("{}: {} → {}", change.column, change.before, change.after);
    let changes: Vec<String> = changes.iter().map(change).collect();
    format!("            such as {}", text::one_line(&format!("{key}: {}", changes.join(", "))))
}
