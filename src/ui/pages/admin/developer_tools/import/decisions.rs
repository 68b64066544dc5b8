//! What becomes of conflicts: one answer for all of them, or one for each table.

use leptos::prelude::*;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::tracker::ImportTracker;
use crate::model::import::{TableEffect, TablePolicies, TablePolicy, TableReport};
use crate::model::import_plan::ImportPlanHead;
use crate::model::name::TableName;

/// What somebody has decided about the conflicts of a plan.
#[derive(Clone, Default)]
pub struct Decisions {
    /// In all tables that have no answer of their own.
    pub all: Option<TablePolicy>,
    pub tables: TablePolicies,
}

impl Decisions {
    /// As options of a request, each after `&`.
    pub fn query(&self) -> String {
        let all = self.all.map(|policy| format!("&policy={policy}")).unwrap_or_default();
        if self.tables.is_empty() {
            return all;
        }
        let tables = serde_json::to_string(&self.tables).unwrap_or_default();
        format!("{all}&policies={}", utf8_percent_encode(&tables, NON_ALPHANUMERIC))
    }

    /// One sentence; nothing where nothing was decided.
    pub fn describe(&self) -> Option<String> {
        const WHAT: &str = "records that changed here since the file was made, are hidden, or have another natural key";
        if !self.tables.is_empty() {
            let tables = self.tables.iter().map(|(table, policy)| format!("{table}, {}", describe(*policy)));
            return Some(format!("As you decided of {WHAT}: {}.", tables.collect::<Vec<_>>().join("; ")));
        }
        match self.all? {
            TablePolicy::File => Some(format!("As you decided, {WHAT} are replaced, too.")),
            _ => Some(
                "As you decided, records that changed here since the file was made, or are hidden, stay as they are."
                    .to_owned(),
            ),
        }
    }
}

fn describe(policy: TablePolicy) -> &'static str {
    match policy {
        TablePolicy::File => "they are replaced",
        TablePolicy::Skip => "nothing of the table is imported",
        _ => "they stay as they are",
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_table_has_its_answer_in_the_request_whatever_its_name_is() {
        let tables = [("a&b=\"c\"".into(), TablePolicy::Newer), ("sites".into(), TablePolicy::File)].into();
        let decisions = Decisions { all: None, tables };
        let query = decisions.query();
        let json = query.strip_prefix("&policies=").unwrap();
        assert!(!json.contains(['&', '=', '"']), "{json}");
        let read = percent_encoding::percent_decode_str(json).decode_utf8().unwrap();
        assert_eq!(serde_json::from_str::<TablePolicies>(&read).unwrap(), decisions.tables);
        let told = decisions.describe().unwrap();
        assert!(told.ends_with(": a&b=\"c\", they stay as they are; sites, they are replaced."), "{told}");
        let all = Decisions { all: Some(TablePolicy::Newer), tables: TablePolicies::new() };
        assert_eq!(all.query(), "&policy=newer");
        assert_eq!(Decisions::default().query() + &Decisions::default().describe().unwrap_or_default(), "");
    }
}
