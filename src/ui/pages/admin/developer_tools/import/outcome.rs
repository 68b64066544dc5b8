//! What is going on, or how it has ended.

use leptos::prelude::*;

use super::plan_view::{EffectTable, PlanView};
use super::tracker::{ImportTracker, Step, Work};
use super::words::{describe_done, describe_undo};
use crate::model::import_report::ImportReport;
use crate::model::import_undo::UndoReport;
use crate::model::{route, text};
use crate::ui::components::Icon;

#[component]
pub fn Outcome(tracker: ImportTracker) -> impl IntoView {
    move || match tracker.step.get() {
        Step::Choosing => ().into_any(),
        Step::Sending { work, percent } => progress(&format!("Sending the file: {percent} %"), work, Some(percent)),
        Step::Working { work, records } => progress(&working(work, records), work, None),
        Step::Planned(head) => view! { <PlanView head=*head tracker /> }.into_any(),
        Step::Imported(report) => view! { <Imported report=*report tracker /> }.into_any(),
        Step::UndoPlanned(report) => view! { <UndoPlanned report tracker /> }.into_any(),
        Step::Undone(report) => view! { <Undone report /> }.into_any(),
        Step::Failed { work, sentences } => view! { <Failed work sentences /> }.into_any(),
        Step::Unknown { work, told } => view! { <Unknown work told /> }.into_any(),
    }
}

fn working(work: Work, records: u64) -> String {
    let so_far =
        if records > 0 { format!(": {} so far", text::count_with_noun(records, "record")) } else { "…".to_owned() };
    match work {
        Work::Plan => "Comparing the file with the database…".to_owned(),
        Work::Import => format!("Importing{so_far}"),
        Work::PlanUndo => "Looking what an undo would do…".to_owned(),
        Work::Undo => "Undoing…".to_owned(),
    }
}

fn progress(text: &str, work: Work, percent: Option<u64>) -> AnyView {
    let hint =
        (work == Work::Import).then_some("It goes on if this page is closed; the audit trail says how it has ended.");
    view! {
        <section class="card panel" data-testid="progress">
            <h2>{text.to_owned()}</h2>
            <progress max="100" value=percent.map(|percent| percent.to_string()) aria-label="Progress"></progress>
            {hint.map(|hint| view! { <p class="muted">{hint}</p> })}
        </section>
    }
    .into_any()
}

#[component]
fn Imported(report: ImportReport, tracker: ImportTracker) -> impl IntoView {
    let effect = report.effect();
    let sentence = format!("The import {} in {}.", describe_done(effect), text::duration(report.duration_ms));
    let triggers = report.triggers;
    let undo = report.undo.map(|import| {
        view! { <button type="button" class="button" on:click=move |_| tracker.plan_undo(&import)>"Undo…"</button> }
    });
    let ran = (!triggers.is_empty())
        .then(|| view! { <p class="muted">"Triggers that may have run: "{triggers.join(", ")}</p> });
    view! {
        <section class="card panel is-success" aria-label="Result">
            <h2><Icon name="shield-check" />"Imported"</h2>
            <p data-testid="imported">{sentence}</p>
            {ran}
            <div class="action-row">{undo}<a class="button" href=route::AUDIT>"Audit trail"</a></div>
        </section>
        <EffectTable tables=report.tables />
    }
}

#[component]
fn UndoPlanned(report: UndoReport, tracker: ImportTracker) -> impl IntoView {
    let changed: u64 = report.tables.iter().map(|table| table.changed_since).sum();
    let is_empty = report.tables.iter().all(|table| table.total() == 0);
    let examples: Vec<String> = report
        .tables
        .iter()
        .filter(|table| table.changed_since > 0)
        .map(|table| {
            let such_as = if table.examples.is_empty() {
                String::new()
            } else {
                format!(", such as {}", table.examples.join("; "))
            };
            format!(
                "{}: {} changed since the import{such_as}",
                table.table,
                text::count_with_noun(table.changed_since, "record")
            )
        })
        .collect();
    let text = format!("An undo means: {}.", describe_undo(&report));
    let label = if changed > 0 { "Undo the rest" } else { "Undo the import" };
    let button = (!is_empty).then(|| {
        view! { <button type="button" class="button primary" on:click=move |_| tracker.undo(&report)>{label}</button> }
    });
    view! {
        <section class="card panel" aria-label="Undo">
            <h2>"Undo this import?"</h2>
            <p>{text}</p>
            <ul>{examples.into_iter().map(|example| view! { <li>{example}</li> }).collect_view()}</ul>
            <div class="action-row">{button}<button type="button" class="button" on:click=move |_| tracker.start_over()>"Leave it"</button></div>
        </section>
    }
}

#[component]
fn Undone(report: UndoReport) -> impl IntoView {
    let text = format!("The import is undone: {}.", describe_undo(&report));
    view! {
        <section class="card panel is-success" aria-label="Result">
            <h2><Icon name="history" />"Undone"</h2>
            <p data-testid="undone">{text}</p>
        </section>
    }
}

#[component]
fn Failed(work: Work, sentences: Vec<String>) -> impl IntoView {
    let heading = match work {
        Work::Plan => "This import cannot be done",
        Work::Import => "Not imported",
        Work::PlanUndo | Work::Undo => "Not undone",
    };
    let sentences = sentences.into_iter().map(|sentence| view! { <li>{sentence}</li> }).collect_view();
    view! {
        <section class="card panel is-error" role="alert">
            <h2><Icon name="triangle-alert" />{heading}</h2>
            <ul>{sentences}</ul>
        </section>
    }
}

/// Nobody knows how it has ended.
#[component]
fn Unknown(work: Work, told: Option<String>) -> impl IntoView {
    let (heading, text) = match work {
        Work::Plan | Work::PlanUndo => (
            "No answer",
            "The server cannot be reached, or the file has changed since it was chosen. Nothing was written. Choose the file again.",
        ),
        Work::Import | Work::Undo => (
            "It is not known how this has ended",
            "The connection to the server broke. What runs there goes on, and is done as a whole or not at all. Load this page again: it \
             says whether something still runs; the audit trail says how it has ended.",
        ),
    };
    let text = told.unwrap_or_else(|| text.to_owned());
    view! {
        <section class="card panel is-error" role="alert">
            <h2><Icon name="triangle-alert" />{heading}</h2>
            <p>{text}</p>
            <div class="action-row"><a class="button" href=route::IMPORT>"Load the page again"</a></div>
        </section>
    }
}
