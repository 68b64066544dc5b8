//! Imports that can be undone.

use leptos::prelude::*;

use super::tracker::ImportTracker;
use crate::model::import_undo::KeptImport;
use crate::model::text;

/// `kept`: those of before, the oldest first.
#[component]
pub fn KeptImports(kept: Vec<KeptImport>, tracker: ImportTracker) -> impl IntoView {
    let kept = StoredValue::new(kept);
    let newest_first = move || {
        let own = tracker.imported.get();
        let all = kept.get_value().into_iter().chain(own);
        let is_kept = |import: &KeptImport| !tracker.undone.read().contains(&import.id);
        let mut all: Vec<KeptImport> = all.filter(is_kept).collect();
        all.reverse();
        all
    };
    move || {
        let imports = newest_first();
        (!imports.is_empty()).then(|| {
            view! {
                <section class="card panel" aria-label="Imports that can be undone">
                    <h2>"Imports that can be undone"</h2>
                    <ul class="records">{imports.into_iter().map(|import| row(import, tracker)).collect_view()}</ul>
                </section>
            }
        })
    }
}

fn row(KeptImport { id, file_sha256, mode, at, person }: KeptImport, tracker: ImportTracker) -> impl IntoView {
    let (import, name) = (id.clone(), id.clone());
    let at = if at.is_empty() { "Just now".to_owned() } else { format!("{} UTC", text::to_minute(&at)) };
    let whose = person.map(|id| format!(", into the data of {id}"));
    let seal: String = file_sha256.chars().take(12).collect();
    view! {
        <li>
            {at}", "<code>{id}</code>" "<span class="muted">{mode.to_string()}{whose}", seal "{seal}"…"</span>" "
            <button type="button" class="button small needs-js" disabled=move || tracker.is_busy() on:click=move |_| tracker.plan_undo(&import)>
                "Undo…"<span class="visually-hidden">" import "{name}</span>
            </button>
        </li>
    }
}
