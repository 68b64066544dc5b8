//! Looks for records in the plan, which stays in the browser.

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::model::import_plan::PlannedChange;
use crate::model::name::TableName;
use crate::model::text;
use crate::ui::browser::{self, FoundChanges};

/// More are counted and not shown.
const MAX_SHOWN: usize = 50;
/// More of a value is not shown.
const MAX_VALUE_CHARS: usize = 200;

/// A record as it is shown: what happens to it, and what changes.
type Shown = (String, Vec<(String, String, String)>);

#[component]
pub fn PlanRecords(tables: Vec<TableName>) -> impl IntoView {
    let table = RwSignal::new(tables.first().map(ToString::to_string).unwrap_or_default());
    let key = RwSignal::new(String::new());
    let found: RwSignal<Option<(Vec<Shown>, u64)>> = RwSignal::new(None);
    let newest = StoredValue::new(0_u32);
    let search = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        newest.update_value(|newest| *newest += 1);
        let turn = newest.get_value();
        spawn_local(async move {
            let name = TableName::from(table.get_untracked().as_str());
            let changes = browser::find_changes(&name, key.get_untracked().trim(), MAX_SHOWN).await;
            if newest.get_value() == turn {
                found.set(changes.map(|FoundChanges { changes, total }| (changes.iter().map(shown).collect(), total)));
            }
        });
    };
    let options =
        tables.into_iter().map(|table| view! { <option value=table.to_string()>{table.to_string()}</option> });
    view! {
        <section class="card panel" aria-label="Records">
            <h2>"Records"</h2>
            <form class="record-search" on:submit=search>
                <label>"Table "<select on:change=move |event| table.set(event_target_value(&event))>{options.collect_view()}</select></label>
                <label>"Key contains "<input type="search" maxlength="500" on:input=move |event| key.set(event_target_value(&event)) /></label>
                <button class="button">"Find"</button>
            </form>
            <div role="status">{move || found.get().map(|(changes, total)| view! { <Found changes total /> })}</div>
        </section>
    }
}

#[component]
fn Found(changes: Vec<Shown>, total: u64) -> impl IntoView {
    let shown = changes.len() as u64;
    let text = match total {
        0 => "The plan changes no such record.".to_owned(),
        total if total > shown => {
            format!("{} found; these are the first {shown}:", text::count_with_noun(total, "record"))
        }
        total => format!("{} found:", text::count_with_noun(total, "record")),
    };
    let record = |(head, changes): Shown| {
        let changes = changes.into_iter().map(|(column, before, after)| {
            view! { <li><code>{column}</code>": "<del>{before}</del>" → "<ins>{after}</ins></li> }
        });
        view! { <li><strong><bdi>{head}</bdi></strong><ul>{changes.collect_view()}</ul></li> }
    };
    view! { <p>{text}</p><ul class="records">{changes.into_iter().map(record).collect_view()}</ul> }
}

fn shown(change: &PlannedChange) -> Shown {
    let action = change.action.describe();
    let value = |text: &str| text::shortened(text, MAX_VALUE_CHARS);
    let changes =
        change.changes.iter().map(|(column, pair)| (column.clone(), value(pair.before.get()), value(pair.after.get())));
    let reason = change.reason.describe().map(|reason| format!(" ({reason})")).unwrap_or_default();
    (format!("{action} {}{reason}", change.named_key()), changes.collect())
}
