//! Earlier imports that can be undone.

use leptos::prelude::*;

use super::tracker::ImportTracker;
use crate::model::import_undo::KeptImport;
use crate::model::text;

#[component]
pub fn KeptImports(kept: Vec<KeptImport>, tracker: ImportTracker) -> impl IntoView {
    let row = move |KeptImport { id, file_sha256, mode, at }: KeptImport| {
        let (import, name, undone) = (id.clone(), id.clone(), id.clone());
        view! {
            <li hidden=move || is_undone(tracker, &undone)>
                {text::to_minute(&at)}" UTC, "<code>{id}</code>" "<span class="muted">{mode.to_string()}", seal "{file_sha256.chars().take(12).collect::<String>()}"…"</span>" "
                <button type="button" class="button small needs-js" disabled=move || tracker.is_busy() on:click=move |_| tracker.plan_undo(&import)>
                    "Undo…"<span class="visually-hidden">" import "{name}</span>
                </button>
            </li>
        }
    };
    let ids: Vec<String> = kept.iter().map(|import| import.id.clone()).collect();
    let are_all_undone = move || ids.iter().all(|import| is_undone(tracker, import));
    (!kept.is_empty()).then(|| {
        view! {
            <section class="card panel" aria-label="Imports that can be undone" hidden=are_all_undone>
                <h2>"Imports that can be undone"</h2>
                <ul class="records">{kept.into_iter().rev().map(row).collect_view()}</ul>
            </section>
        }
    })
}

fn is_undone(tracker: ImportTracker, import: &str) -> bool {
    tracker.undone.read().iter().any(|undone| undone == import)
}
