//! A person's imports that can be undone.

use leptos::prelude::*;

use super::super::strings;
use super::tracker::OwnImportTracker;
use super::words::MODES;
use crate::model::import_undo::KeptImport;
use crate::model::text;

/// `kept`: those of before, the oldest first.
#[component]
pub fn KeptImports(kept: Vec<KeptImport>, tracker: OwnImportTracker) -> impl IntoView {
    let kept = StoredValue::new(kept);
    move || {
        let all = kept.get_value().into_iter().chain(tracker.imported.get());
        let mut all: Vec<KeptImport> = all.filter(|import| !tracker.undone.read().contains(&import.id)).collect();
        all.reverse();
        (!all.is_empty()).then(|| {
            let rows = all.into_iter().enumerate().map(|(at, import)| row(import, at == 0, tracker)).collect_view();
            view! {
                <section class="card panel" aria-label=strings::IMPORT_EARLIER>
                    <h2>{strings::IMPORT_EARLIER}</h2>
                    <ul class="own-exports">{rows}</ul>
                </section>
            }
        })
    }
}

/// The newest one is undone first: what it found there, the earlier ones have made.
fn row(KeptImport { id, at, mode, .. }: KeptImport, is_newest: bool, tracker: OwnImportTracker) -> impl IntoView {
    let at = if at.is_empty() { strings::IMPORT_JUST_NOW.to_owned() } else { format!("{} UTC", text::to_minute(&at)) };
    let mode = MODES.into_iter().find(|(other, ..)| *other == mode).map(|(_, name, _)| name);
    let label = format!("{} ({at})", strings::IMPORT_UNDO);
    let undo = is_newest.then(|| {
        view! {
            <button type="button" class="button small needs-js" aria-label=label disabled=move || tracker.is_busy()
                on:click=move |_| tracker.plan_undo(&id)>{strings::IMPORT_UNDO}</button>
        }
    });
    view! {
        <li>
            <strong>{at}</strong>
            <span>{mode}</span>
            {undo}
        </li>
    }
}
