//! The plan of an import in three levels: one sentence; tables and kinds of changes; records.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::conflicts::Conflicts;
use super::decisions::Decisions;
use super::plan_records::PlanRecords;
use super::tracker::ImportTracker;
use super::words::describe;
use crate::model::change_reason::RecordAction;
use crate::model::import::{ImportMode, TableEffect, TableReport};
use crate::model::import_plan::{ChangeExample, ChangeGroup, ImportPlanHead};
use crate::model::text;
use crate::ui::browser;

/// More kinds of changes are in the file of the plan.
const MAX_GROUPS: usize = 20;

#[component]
pub fn PlanView(head: ImportPlanHead, tracker: ImportTracker) -> impl IntoView {
    let effect: TableEffect = head.tables.iter().map(|table| table.effect).sum();
    let written = effect.created + effect.updated;
    let sentence = if written == 0 {
        "The file changes nothing: the database has all of it already.".to_owned()
    } else {
        format!("The import {}.", describe(effect))
    };
    let triggers =
        head.triggers.iter().map(|trigger| format!("The trigger {trigger} may run, and do more than this plan says."));
    let notes: Vec<String> = triggers.chain(head.notes.iter().cloned()).collect();
    let hash = head.hash.clone();
    let is_open = !head.conflicts.is_empty();
    let import = (written > 0 && !is_open).then(|| {
        let label = format!("Import {}", text::count_with_noun(written, "record"));
        view! { <button type="button" class="button primary" on:click=move |_| tracker.import(&hash)>{label}</button> }
    });
    let decided = tracker.decisions.with_value(Decisions::describe);
    let conflicts = is_open.then(|| view! { <Conflicts head=head.clone() tracker /> });
    let stays = (head.mode == ImportMode::Merge).then_some("Records that only the database has stay as they are.");
    let name = format!("import-plan-{}.json", &head.hash[..12.min(head.hash.len())]);
    let changed = head.tables.iter().filter(|table| table.effect.created + table.effect.updated > 0);
    // Only of a merge has a plan records.
    let with_records: Vec<_> =
        if head.groups.is_empty() { Vec::new() } else { changed.map(|table| table.table.clone()).collect() };
    let has_records = !with_records.is_empty();
    let csv_name = name.replace(".json", ".csv");
    let csv = has_records.then(|| {
        let save = move |_| {
            let name = csv_name.clone();
            spawn_local(async move { browser::save_changes(&name).await });
        };
        view! { <button type="button" class="button" on:click=save>"Save its changes as CSV"</button> }
    });
    view! {
        <section class="card panel" aria-label="Plan">
            <h2>"What would happen"</h2>
            <p data-testid="plan">{sentence}</p>
            {stays.map(|text| view! { <p>{text}</p> })}
            {decided.map(|text| view! { <p data-testid="decided">{text}</p> })}
            {conflicts}
            {(!notes.is_empty()).then(|| view! {
                <details class="notes">
                    <summary>{format!("What else to know ({})", notes.len())}</summary>
                    <ul>{notes.iter().map(|note| view! { <li>{note.clone()}</li> }).collect_view()}</ul>
                </details>
            })}
            <div class="action-row">
                {import}
                <button type="button" class="button" on:click=move |_| tracker.plan()>"Plan again"</button>
                <button type="button" class="button" on:click=move |_| browser::save_plan(&name)>"Save the plan"</button>
                {csv}
            </div>
            {(!is_open).then(|| view! {
                <p class="muted">"It is planned again while the tables are locked, and nothing is written if anything has moved."</p>
            })}
        </section>
        <Groups groups=head.groups />
        {has_records.then(|| view! { <PlanRecords tables=with_records.clone() /> })}
        <EffectTable tables=head.tables />
    }
}

/// What happens to each table.
#[component]
pub fn EffectTable(tables: Vec<TableReport>) -> impl IntoView {
    let row = |TableReport { table, effect }: TableReport| {
        let TableEffect { created, updated, unchanged, .. } = effect;
        view! {
            <tr>
                <th scope="row">{table.to_string()}</th>
                <td class="number">{text::count(created)}</td>
                <td class="number">{text::count(updated)}</td>
                <td class="number">{text::count(unchanged)}</td>
            </tr>
        }
    };
    let (changed, others): (Vec<_>, Vec<_>) =
        tables.into_iter().partition(|table| table.effect.created + table.effect.updated > 0);
    if changed.is_empty() {
        return ().into_any();
    }
    let others = (!others.is_empty()).then(|| {
        let text = format!("{} more, in which nothing changes", text::count_with_noun(others.len() as u64, "table"));
        view! { <p class="panel muted">{text}</p> }
    });
    view! {
        <section class="card">
            <table class="tables">
                <caption class="visually-hidden">"Records of each table"</caption>
                <thead><tr>
                    <th scope="col">"Table"</th>
                    <th scope="col" class="number">"New"</th>
                    <th scope="col" class="number">"Changed"</th>
                    <th scope="col" class="number">"Unchanged"</th>
                </tr></thead>
                <tbody>{changed.into_iter().map(row).collect_view()}</tbody>
            </table>
            {others}
        </section>
    }
    .into_any()
}

/// The kinds of changes, each with examples.
#[component]
fn Groups(groups: Vec<ChangeGroup>) -> impl IntoView {
    let changed: Vec<ChangeGroup> = groups.into_iter().filter(|group| group.action == RecordAction::Update).collect();
    let others = changed.len().saturating_sub(MAX_GROUPS);
    let group = |group: ChangeGroup| {
        let columns = if group.columns.is_empty() { "other columns".to_owned() } else { group.columns.join(", ") };
        let reason = group.reason.describe().map(|reason| format!(" ({reason})")).unwrap_or_default();
        let summary = format!("{} × {}: {columns}{reason}", text::count(group.records), group.table);
        view! {
            <details class="group">
                <summary>{summary}</summary>
                <ul>{group.examples.into_iter().map(example).collect_view()}</ul>
            </details>
        }
    };
    (!changed.is_empty()).then(|| {
        view! {
            <section class="card panel" aria-label="Changes by kind">
                <h2>"Changes by kind"</h2>
                {changed.into_iter().take(MAX_GROUPS).map(group).collect_view()}
                {(others > 0).then(|| view! { <p class="muted">{format!("and {} of changes", text::count_with_noun(others as u64, "other kind"))}</p> })}
            </section>
        }
    })
}

fn example(ChangeExample { key, changes }: ChangeExample) -> impl IntoView {
    let changes = changes.into_iter().map(|change| {
        view! { <li><code>{change.column}</code>": "<del>{change.before}</del>" → "<ins>{change.after}</ins></li> }
    });
    view! { <li><strong><bdi>{key}</bdi></strong><ul>{changes.collect_view()}</ul></li> }
}
