//! Guessed classifications, where no profile describes the database. Rendered on the server only.

use leptos::prelude::*;

use crate::model::classification::Classification;
use crate::model::drift::{Guess, ProfileLine, Reclassified};
use crate::model::text;
use crate::ui::components::Icon;

/// Lists the guesses; renders nothing if there are none.
#[component]
pub fn GuessPanel(guesses: Vec<Guess>, reclassified: Vec<Reclassified>) -> impl IntoView {
    if guesses.is_empty() {
        return None;
    }
    let reclassified = reclassified.into_iter().map(reclassified_item).collect_view();
    Some(view! {
        <section class="card drift" aria-labelledby="guesses">
            <h2 id="guesses"><Icon name="triangle-alert" />"The classification here is a guess"</h2>
            <p>
                "No profile describes these tables, so Waybill guessed, and a guess can be wrong. Only columns recognised as harmless
                are exported. Check the list before you pass the file on. "<code>"waybill profile init"</code>" writes the guess as a profile for you to correct."
            </p>
            <ul>{reclassified}</ul>
            <Guesses guesses />
        </section>
    })
}

/// Secrets first, then what is personal; what is plain by name only.
#[component]
fn Guesses(guesses: Vec<Guess>) -> impl IntoView {
    let columns = text::count_with_noun(guesses.len() as u64, "column");
    let (secret, others): (Vec<_>, Vec<_>) =
        guesses.into_iter().partition(|guess| guess.class == Classification::Secret);
    let (plain, personal): (Vec<_>, Vec<_>) =
        others.into_iter().partition(|guess| guess.class == Classification::Plain);
    let summary = format!("{columns} guessed, {} as secret", text::count(secret.len() as u64));
    let items = secret.into_iter().chain(personal).map(guess_item).collect_view();
    let plain: Vec<String> = plain.into_iter().map(|guess| guess.field.to_string()).collect();
    view! {
        <details>
            <summary>{summary}</summary>
            <ul>{items}</ul>
            <p class="muted">"Guessed as plain: "{plain.join(", ")}</p>
        </details>
    }
}

fn guess_item(guess: Guess) -> impl IntoView {
    let line = guess.line.map(|ProfileLine { under, line }| {
        view! { ". To export it, add to a profile under "<code>{under}</code><code class="profile-line">{line}</code> }
    });
    view! { <li><span class="tag">{guess.class.as_str()}</span>" "<code>{guess.field.to_string()}</code>" "{guess.reason}{line}</li> }
}

fn reclassified_item(changed: Reclassified) -> impl IntoView {
    let Reclassified { field, was, is } = changed;
    let text = format!(" was {} in the last export and is now {}.", was.as_str(), is.as_str());
    view! { <li><code>{field.to_string()}</code>{text}</li> }
}
