//! The question what becomes of conflicts, for all tables or for each.

use leptos::prelude::*;

use super::decisions::Decisions;
use super::tracker::ImportTracker;
use crate::model::import::{TableEffect, TablePolicies, TablePolicy, TableReport};
use crate::model::import_plan::ImportPlanHead;
use crate::model::name::TableName;

/// Asks for what must be decided before the import can be done.
#[component]
pub fn Conflicts(head: ImportPlanHead, tracker: ImportTracker) -> impl IntoView {
    let ImportPlanHead { conflicts, tables, .. } = head;
    let some_can_stay = tables.iter().any(|table| can_stay(table.effect));
    let sentences = conflicts.into_iter().map(|sentence| view! { <li>{sentence}</li> }).collect_view();
    let decide = move |policy: TablePolicy| {
        move |_| tracker.plan_with(Decisions { all: Some(policy), tables: TablePolicies::new() })
    };
    let leave = some_can_stay.then(|| {
        view! { <button type="button" class="button primary" on:click=decide(TablePolicy::Newer)>"Leave them as they are"</button> }
    });
    let in_conflict = |table: &TableReport| can_stay(table.effect) || table.effect.other_natural_key > 0;
    let by_table: Vec<TableReport> = tables.into_iter().filter(in_conflict).collect();
    let by_table = (by_table.len() > 1).then(|| view! { <ByTable tables=by_table tracker /> });
    view! {
        <div class="decision" role="group" aria-label="To decide first">
            <h3>"To decide first"</h3>
            <ul>{sentences}</ul>
            <p class="muted">"One answer is for all of them, in all tables. What changes is listed below."</p>
            <div class="action-row">
                {leave}
                <button type="button" class="button" on:click=decide(TablePolicy::File)>"Replace them"</button>
            </div>
            {by_table}
        </div>
    }
}

/// Whether there is something that can stay as it is.
fn can_stay(effect: TableEffect) -> bool {
    effect.changed_here + effect.hidden > 0
}

/// An answer for each table that has conflicts.
#[component]
fn ByTable(tables: Vec<TableReport>, tracker: ImportTracker) -> impl IntoView {
    let answers: TablePolicies =
        tables.iter().map(|table| (table.table.clone(), possible(table.effect)[0].0)).collect();
    let answers = StoredValue::new(answers);
    let question = move |TableReport { table, effect }: TableReport| {
        let possible = possible(effect);
        let options =
            possible.iter().map(|(policy, words)| view! { <option value=policy.to_string()>{*words}</option> });
        let options = options.collect_view();
        let choose = {
            let table: TableName = table.clone();
            move |event| {
                let value = event_target_value(&event);
                let chosen = possible.iter().find(|(policy, _)| policy.to_string() == value);
                if let Some((policy, _)) = chosen {
                    answers.update_value(|answers| {
                        answers.insert(table.clone(), *policy);
                    });
                }
            }
        };
        view! { <li><label>{format!("{table} ")}<select on:change=choose>{options}</select></label></li> }
    };
    view! {
        <details class="by-table">
            <summary>"Decide table by table"</summary>
            <ul>{tables.into_iter().map(question).collect_view()}</ul>
            <button type="button" class="button" on:click=move |_| {
                tracker.plan_with(Decisions { all: None, tables: answers.get_value() });
            }>"Plan with these answers"</button>
        </details>
    }
}

/// The answers that a table may have, the most careful one first.
fn possible(effect: TableEffect) -> Vec<(TablePolicy, &'static str)> {
    let stay =
        (can_stay(effect) && effect.other_natural_key == 0).then_some((TablePolicy::Newer, "Leave them as they are"));
    let others = [(TablePolicy::Skip, "Import nothing of this table"), (TablePolicy::File, "Replace them")];
    stay.into_iter().chain(others).collect()
}
