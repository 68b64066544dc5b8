//! What is going on, or how it has ended.

use leptos::prelude::*;

use super::super::strings;
use super::preview_view::{EffectTable, PreviewView};
use super::tracker::{OwnImportTracker, Step};
use super::words::{describe, describe_undo};
use crate::model::import_undo::UndoReport;
use crate::model::own_import::OwnImportResult;
use crate::model::{route, text};
use crate::ui::components::Icon;

#[component]
pub fn Outcome(tracker: OwnImportTracker) -> impl IntoView {
    move || match tracker.step.get() {
        Step::Choosing => ().into_any(),
        Step::Sending { percent } => progress(format!("{}: {percent} %", strings::IMPORT_SENDING), Some(percent), None),
        Step::Comparing => progress(strings::IMPORT_COMPARING.to_owned(), None, None),
        Step::Importing => progress(strings::IMPORT_RUNNING.to_owned(), None, Some(strings::IMPORT_RUNNING_HINT)),
        Step::Undoing => progress(strings::IMPORT_UNDOING.to_owned(), None, None),
        Step::Previewed(preview) => view! { <PreviewView preview=*preview tracker /> }.into_any(),
        Step::Imported(result) => view! { <Imported result=*result tracker /> }.into_any(),
        Step::UndoPlanned(report) => view! { <UndoPlanned report tracker /> }.into_any(),
        Step::Undone(report) => done("history", strings::IMPORT_UNDONE, describe_undo(&report, true), None),
        Step::Refused(sentences) => problem(strings::IMPORT_FAILED, sentences),
        Step::Unknown => problem(strings::IMPORT_UNKNOWN_TITLE, vec![strings::IMPORT_UNKNOWN.to_owned()]),
    }
}

fn progress(title: String, percent: Option<u64>, hint: Option<&'static str>) -> AnyView {
    view! {
        <section class="card panel" data-testid="progress">
            <h2>{title}</h2>
            <progress max="100" value=percent.map(|percent| percent.to_string()) aria-label="Progress"></progress>
            {hint.map(|hint| view! { <p class="muted">{hint}</p> })}
        </section>
    }
    .into_any()
}

fn done(icon: &'static str, title: &'static str, sentence: String, undo: Option<AnyView>) -> AnyView {
    view! {
        <section class="card panel is-success" aria-label=title>
            <h2><Icon name=icon />{title}</h2>
            <p data-testid="done">{sentence}</p>
            <div class="action-row">{undo}<a class="button" href=route::OWN_DATA>{strings::TITLE}</a></div>
        </section>
    }
    .into_any()
}

fn problem(title: &'static str, sentences: Vec<String>) -> AnyView {
    let sentences = sentences.into_iter().map(|sentence| view! { <li>{text::to_sentence(&sentence)}</li> });
    view! {
        <section class="card panel is-error" role="alert">
            <h2><Icon name="triangle-alert" />{title}</h2>
            <ul>{sentences.collect_view()}</ul>
        </section>
    }
    .into_any()
}

#[component]
fn Imported(result: OwnImportResult, tracker: OwnImportTracker) -> impl IntoView {
    let sentence = format!("The import {}.", describe(result.effect, ["deleted", "added", "changed", "left"]));
    let undo = result.undo.map(|import| {
        let undo = move |_| tracker.plan_undo(&import);
        view! { <button type="button" class="button" on:click=undo>{strings::IMPORT_UNDO}</button> }.into_any()
    });
    view! {
        {done("shield-check", strings::IMPORT_DONE, sentence, undo)}
        <section class="card panel"><EffectTable tables=result.tables /></section>
    }
}

#[component]
fn UndoPlanned(report: UndoReport, tracker: OwnImportTracker) -> impl IntoView {
    let changed: u64 = report.tables.iter().map(|table| table.changed_since).sum();
    let is_empty = report.tables.iter().all(|table| table.total() == 0);
    let text = if is_empty { strings::IMPORT_UNDO_NOTHING.to_owned() } else { describe_undo(&report, false) };
    let label = if changed > 0 { strings::IMPORT_UNDO_REST } else { strings::IMPORT_UNDO_YES };
    let button = (!is_empty).then(|| {
        view! { <button type="button" class="button primary" on:click=move |_| tracker.undo(&report)>{label}</button> }
    });
    view! {
        <section class="card panel" aria-label=strings::IMPORT_UNDO_TITLE>
            <h2>{strings::IMPORT_UNDO_TITLE}</h2>
            <p>{text}</p>
            <div class="action-row">
                {button}
                <button type="button" class="button" on:click=move |_| tracker.start_over()>{strings::IMPORT_UNDO_NO}</button>
            </div>
        </section>
    }
}
