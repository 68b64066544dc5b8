//! What an import would do: a choice of modes, each with its effect, and the button for the chosen one.

use leptos::prelude::*;

use super::super::strings;
use super::tracker::OwnImportTracker;
use super::words::{MODES, describe, kind};
use crate::model::import::{ImportMode, TableEffect, TableReport};
use crate::model::own_import::{ModePreview, OwnImportPreview};
use crate::model::text;
use crate::ui::components::Icon;

#[component]
pub fn PreviewView(preview: OwnImportPreview, tracker: OwnImportTracker) -> impl IntoView {
    let OwnImportPreview { exported_at, records, is_own, modes } = preview;
    let whose = if is_own { strings::IMPORT_OWN } else { strings::IMPORT_FOREIGN };
    let about = format!(
        "The archive has {}, exported {} UTC. {whose}",
        text::count_with_noun(records, "record"),
        text::to_minute(&exported_at)
    );
    let modes = StoredValue::new(modes);
    let find = move |mode: ImportMode| modes.with_value(|modes| modes.iter().find(|other| other.mode == mode).cloned());
    let choices = MODES.into_iter().filter_map(|(mode, name, hint)| {
        let found = find(mode)?;
        Some(view! { <ModeChoice tracker mode name hint effect=effect_of(&found) /> })
    });
    let choices = choices.collect_view();
    view! {
        <section class="card panel" aria-label=strings::IMPORT_HOW data-testid="preview">
            <p>{about}</p>
            <fieldset class="modes"><legend>{strings::IMPORT_HOW}</legend>{choices}</fieldset>
            {move || find(tracker.mode.get()).map(|mode| view! { <ChosenMode mode tracker /> })}
        </section>
    }
}

fn effect_of(mode: &ModePreview) -> String {
    if mode.findings.is_empty() {
        return format!(
            "{} {}.",
            strings::IMPORT_WOULD,
            describe(mode.effect, ["deletes", "adds", "changes", "leaves"])
        );
    }
    strings::IMPORT_IMPOSSIBLE.trim_end_matches(':').to_owned() + "."
}

#[component]
fn ModeChoice(
    tracker: OwnImportTracker,
    mode: ImportMode,
    name: &'static str,
    hint: &'static str,
    effect: String,
) -> impl IntoView {
    view! {
        <label class="check">
            <input type="radio" name="mode" checked=move || tracker.mode.get() == mode on:change=move |_| tracker.mode.set(mode) />
            <span><strong>{name}</strong>" "<span class="muted">{hint}</span><br /><span data-testid=format!("effect-{mode}")>{effect}</span></span>
        </label>
    }
}

#[component]
fn ChosenMode(mode: ModePreview, tracker: OwnImportTracker) -> impl IntoView {
    let ModePreview { mode, plan, effect, tables, notes, findings } = mode;
    let changes = effect.written();
    let next = match plan {
        Some(_) if changes == 0 && !notes.is_empty() => view! { <p>{strings::IMPORT_KEPT}</p> }.into_any(),
        Some(_) if changes == 0 => view! { <p>{strings::IMPORT_NOTHING}</p> }.into_any(),
        Some(plan) if mode == ImportMode::Replace => view! { <ConfirmReplace plan effect tracker /> }.into_any(),
        Some(plan) => {
            let label = format!("Import {}", text::count_with_noun(changes, "record"));
            view! {
                <div class="action-row">
                    <button type="button" class="button primary" on:click=move |_| tracker.import(&plan)>{label}</button>
                </div>
            }
            .into_any()
        }
        None => list(strings::IMPORT_IMPOSSIBLE, findings, "form-error"),
    };
    let notes = (!notes.is_empty()).then(|| {
        let title = format!("{} ({})", strings::IMPORT_NOTES, notes.len());
        let notes = notes.into_iter().map(|note| view! { <li>{text::to_sentence(&note)}</li> }).collect_view();
        view! { <details open><summary>{title}</summary><ul>{notes}</ul></details> }
    });
    view! { <EffectTable tables /> {notes} {next} }
}

/// What is deleted, a word to type, and the button.
#[component]
fn ConfirmReplace(plan: String, effect: TableEffect, tracker: OwnImportTracker) -> impl IntoView {
    let word = RwSignal::new(String::new());
    let is_confirmed = move || word.with(|word| word.trim().eq_ignore_ascii_case(strings::IMPORT_REPLACE_WORD));
    let warning = format!("{}{}.", strings::IMPORT_REPLACE_WARNING, text::count_with_noun(effect.removed, "record"));
    view! {
        <p class="data-warning" data-testid="replace-warning"><Icon name="triangle-alert" /><span>{warning}</span></p>
        <label class="confirmation">
            <span>{strings::IMPORT_REPLACE_CONFIRM}</span>
            <input type="text" name="confirm" autocomplete="off" autocapitalize="none" on:input=move |event| word.set(event_target_value(&event)) />
        </label>
        <div class="action-row">
            <button type="button" class="button primary is-danger" disabled=move || !is_confirmed() on:click=move |_| tracker.import(&plan)>
                {strings::IMPORT_REPLACE}
            </button>
        </div>
    }
}

fn list(title: &'static str, sentences: Vec<String>, class: &'static str) -> AnyView {
    let sentences = sentences.into_iter().map(|sentence| view! { <li>{text::to_sentence(&sentence)}</li> });
    view! { <div class=class><p>{title}</p><ul>{sentences.collect_view()}</ul></div> }.into_any()
}

/// What happens to each kind of record.
#[component]
pub fn EffectTable(tables: Vec<TableReport>) -> impl IntoView {
    let rows = tables.into_iter().filter(|table| table.effect.total() + table.effect.removed > 0).map(
        |TableReport { table, effect }| {
            let numbers = [effect.removed, effect.created, effect.updated, effect.unchanged];
            let numbers = numbers.map(|number| view! { <td class="number">{text::count(number)}</td> });
            view! { <tr><th scope="row">{kind(&table)}</th>{numbers.into_iter().collect_view()}</tr> }
        },
    );
    let heads = [strings::IMPORT_REMOVED, strings::IMPORT_ADDED, strings::IMPORT_CHANGED, strings::IMPORT_SAME];
    let heads = heads.map(|head| view! { <th scope="col" class="number">{head}</th> });
    view! {
        <details>
            <summary>{strings::IMPORT_DETAILS}</summary>
            <div class="scroll" tabindex="0" role="region" aria-label=strings::IMPORT_DETAILS>
            <table class="kinds">
                <caption class="visually-hidden">{strings::IMPORT_DETAILS}</caption>
                <thead><tr><th scope="col">{strings::IMPORT_KIND}</th>{heads.into_iter().collect_view()}</tr></thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
            </div>
        </details>
    }
}
