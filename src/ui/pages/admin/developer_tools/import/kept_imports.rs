//! Earlier imports that can be undone.

use leptos::prelude::*;

use super::tracker::ImportTracker;
use crate::model::import_undo::KeptImport;

#[component]
pub fn KeptImports(kept: Vec<KeptImport>, tracker: ImportTracker) -> impl IntoView {
    let row = move |KeptImport { id, file_sha256, mode }: KeptImport| {
        let (import, name) = (id.clone(), id.clone());
        view! {
            <li>
                <code>{id}</code>" "<span class="muted">{mode.to_string()}", seal "{file_sha256[..12.min(file_sha256.len())].to_owned()}"…"</span>" "
                <button type="button" class="button small needs-js" on:click=move |_| tracker.plan_undo(&import)>
                    "Undo…"<span class="visually-hidden">" import "{name}</span>
                </button>
            </li>
        }
    };
    (!kept.is_empty()).then(|| {
        view! {
            <section class="card panel" aria-label="Imports that can be undone">
                <h2>"Imports that can be undone"</h2>
                <ul class="records">{kept.into_iter().rev().map(row).collect_view()}</ul>
            </section>
        }
    })
}
