//! Unconfirmed classifications: drift between database and profile, and guesses where there is no profile.

use leptos::prelude::*;

use crate::model::classification::Classification;
use crate::model::drift::{ProfileLine, Reclassified};
use crate::model::export::Preview;
use crate::model::text;
use crate::ui::components::Icon;

/// Lists the drift; renders nothing if there is none.
#[component]
pub fn DriftPanel(preview: RwSignal<Preview>) -> impl IntoView {
    let drift = Memo::new(move |_| preview.read().drift.clone());
    move || {
        let drift = drift.get();
        if drift.is_empty() {
            return None;
        }
        let item = |kind: &'static str, field: String, rest: AnyView| {
            view! { <li><span class="tag">{kind}</span>" "<code>{field}</code>" "{rest}</li> }.into_any()
        };
        let unclassified = drift.unclassified.into_iter().map(|new| {
            let under = new.under.map(|under| view! { " under "<code>{under}</code> });
            let rest =
                view! { "is not exported. To classify it, add"{under}<code class="profile-line">{new.line}</code> };
            item("unclassified", new.field.to_string(), rest.into_any())
        });
        let missing = drift.missing.into_iter().map(|gone| {
            let rest = gone.nearest.map_or("is not in the database.".into(), |near| {
                format!("is not in the database. Did you mean {near}?")
            });
            item("missing", gone.field.to_string(), rest.into_any())
        });
        let type_changed = drift.type_changed.into_iter().map(|changed| {
            let rest = format!("was {} and is now {}.", changed.was, changed.is);
            item("type changed", changed.field.to_string(), rest.into_any())
        });
        let items = unclassified.chain(missing).chain(type_changed).collect_view();
        Some(view! {
            <section class="card drift" aria-labelledby="drift">
                <h2 id="drift"><Icon name="triangle-alert" />"Database and profile differ"</h2>
                <ul>{items}</ul>
            </section>
        })
    }
}

/// Lists the guessed classifications of a database without a profile.
#[component]
pub fn GuessPanel(preview: RwSignal<Preview>) -> impl IntoView {
    let guesses = Memo::new(move |_| (preview.read().guesses.clone(), preview.read().reclassified.clone()));
    move || {
        let (guesses, reclassified) = guesses.get();
        if guesses.is_empty() {
            return None;
        }
        let secrets = guesses.iter().filter(|guess| guess.class == Classification::Secret).count() as u64;
        let summary = format!(
            "{} guessed, {} as secret",
            text::count_with_noun(guesses.len() as u64, "column"),
            text::count(secrets)
        );
        let (secret, others): (Vec<_>, Vec<_>) =
            guesses.into_iter().partition(|guess| guess.class == Classification::Secret);
        let (plain, personal): (Vec<_>, Vec<_>) =
            others.into_iter().partition(|guess| guess.class == Classification::Plain);
        let items = secret.into_iter().chain(personal).map(|guess| {
            let line = guess.line.map(|ProfileLine { under, line }| {
                view! { ". To export it, add to a profile under "<code>{under}</code><code class="profile-line">{line}</code> }
            });
            view! { <li><span class="tag">{guess.class.as_str()}</span>" "<code>{guess.field.to_string()}</code>" "{guess.reason}{line}</li> }
        });
        let items = items.collect_view();
        let reclassified = reclassified.into_iter().map(|changed| {
            let Reclassified { field, was, is } = changed;
            view! { <li><code>{field.to_string()}</code>{format!(" was {} in the last export and is now {}.", was.as_str(), is.as_str())}</li> }
        });
        let reclassified = reclassified.collect_view();
        let plain: Vec<String> = plain.into_iter().map(|guess| guess.field.to_string()).collect();
        Some(view! {
            <section class="card drift" aria-labelledby="guesses">
                <h2 id="guesses"><Icon name="triangle-alert" />"The classification here is a guess"</h2>
                <p>
                    "No profile describes these tables, so Waybill guessed, and a guess can be wrong. Only columns recognised as harmless
                    are exported. Check the list before you pass the file on. "<code>"waybill profile init"</code>" writes the guess as a profile for you to correct."
                </p>
                <ul>{reclassified}</ul>
                <details>
                    <summary>{summary}</summary>
                    <ul>{items}</ul>
                    <p class="muted">"Guessed as plain: "{plain.join(", ")}</p>
                </details>
            </section>
        })
    }
}
