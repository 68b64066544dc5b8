//! Says what was exported.

use serde_json::json;

use crate::model::manifest::{SelectedRecords, WHOLE_TABLE};
use crate::model::name::{self, TableName};
use crate::model::ordered_map::OrderedMap;
use crate::model::redaction::NotIncluded;
use crate::model::text;
use crate::server::export::FileExport;

/// For people.
pub fn to_text(done: &FileExport) -> String {
    let FileExport { metadata, summary, path } = done;
    let (records, tables) =
        (text::count_with_noun(summary.records, "record"), text::count_with_noun(summary.tables, "table"));
    let (size, time) = (text::bytes(summary.bytes), text::duration(summary.duration_ms));
    let deviations = &summary.deviations;
    let mut lines = vec![format!("{}: {records} in {tables}, {size} in {time}", deviations.headline())];
    lines.extend(deviations.lines());
    if let Some(path) = path {
        lines.push(format!("file      {}", path.display()));
    }
    lines.extend(selected_lines(&metadata.selected_records));
    lines.push(format!("seal      {}", summary.sha256));
    lines.push(format!("audit     {}:{}", metadata.audit.entries, metadata.audit.hash));
    let redaction = &metadata.redaction;
    let guessed = redaction.guessed.iter().filter(|guess| redaction.removed_fields.contains(&guess.field));
    lines.extend(
        guessed.map(|guess| format!("left out  {} ({})", text::one_line(&guess.field.to_string()), guess.reason)),
    );
    if redaction.guessed.is_empty() && !redaction.removed_fields.is_empty() {
        lines.push(format!("left out  {}", name::join(&redaction.removed_fields)));
    }
    for table in &redaction.excluded_tables {
        lines.push(format!("left out  {} ({})", table.table, table.reason));
    }
    for field in &redaction.treated {
        lines.push(format!("{}  {}", field.treatment.past_participle(), field.field));
    }
    lines.extend(
        NotIncluded::lines_by_reason(&metadata.not_included).iter().map(|line| format!("not included  {line}")),
    );
    if !redaction.guessed.is_empty() {
        lines.push(GUESS_NOTE.into());
    }
    lines.join("\n")
}

/// How much of a part was asked for, of which tables more came along, and what stays outside.
fn selected_lines(selected: &OrderedMap<TableName, SelectedRecords>) -> Vec<String> {
    if selected.is_empty() {
        return Vec::new();
    }
    let listed = |number: fn(&SelectedRecords) -> u64| {
        let tables = selected.iter().map(|(table, records)| (table, number(records))).filter(|(_, number)| *number > 0);
        tables.map(|(table, number)| format!("{table} {}", text::count(number))).collect::<Vec<_>>().join(", ")
    };
    let asked_for: u64 = selected.iter().map(|(_, records)| records.asked_for).sum();
    let came_along = Some(listed(|records| records.came_along)).filter(|tables| !tables.is_empty());
    let came_along = came_along.unwrap_or_else(|| "nothing".to_owned());
    let whole = selected.iter().filter_map(|(table, records)| Some((table, records.by_rule.get(WHOLE_TABLE)?)));
    let whole: Vec<String> = whole.map(|(table, number)| format!("{table} {}", text::count(*number))).collect();
    let mut lines = vec![format!(
        "selected  {} asked for; came along, since they are referred to: {came_along}",
        text::count(asked_for)
    )];
    for (what, tables) in [
        ("whole, limited by no filter", whole.join(", ")),
        ("stubs, with a few columns, since they stay outside", listed(|records| records.stubs)),
        ("left out, since their owners disagree", listed(|records| records.owners_disagree)),
        ("left out, since they belong to nobody", listed(|records| records.nobodys)),
    ] {
        if !tables.is_empty() {
            lines.push(format!("          {what}: {tables}"));
        }
    }
    lines
}

const GUESS_NOTE: &str = "no profile was given, so which columns are exported is a guess, and a guess can be wrong; redaction.guessed in \
                       the file lists it, with the profile line that would export each column left out; draft a \
                       profile with `waybill profile init` and correct it";

/// For scripts.
pub fn to_json(done: &FileExport) -> serde_json::Value {
    json!({
        "complete": true,
        "path": done.path,
        "records": done.summary.records,
        "selected_records": done.metadata.selected_records,
        "tables": done.summary.tables,
        "bytes": done.summary.bytes,
        "sha256": done.summary.sha256,
        "audit": done.metadata.audit,
        "duration_ms": done.summary.duration_ms,
        "deviations": done.summary.deviations,
        "redaction": done.metadata.redaction,
        "not_included": done.metadata.not_included,
    })
}
