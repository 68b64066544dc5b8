//! The result of a finished run.

use leptos::prelude::*;

use super::run_tracker::RunTracker;
use crate::model::drift::Deviations;
use crate::model::export::{ExportId, ExportSummary, Failure, RunState, RunView};
use crate::model::{route, text};
use crate::ui::components::{CopyButton, Icon};

#[component]
pub fn RunResult(tracker: RunTracker) -> impl IntoView {
    move || tracker.run.get().map(|run| view! { <FinishedRun run /> })
}

#[component]
fn FinishedRun(run: RunView) -> impl IntoView {
    let RunView { id, file_name, estimated_bytes, state } = run;
    match state {
        RunState::Completed(summary) => view! { <CompletedRun id file_name estimated_bytes summary /> }.into_any(),
        RunState::Failed { failure, .. } => view! { <FailedRun failure /> }.into_any(),
        RunState::Cancelled { .. } => {
            let text = "No file was created, and nothing was changed.";
            view! { <section class="card panel"><h2>"Cancelled"</h2><p>{text}</p></section> }.into_any()
        }
        RunState::Expired(_) => {
            let text = "Files are kept for 15 minutes; of one's own data, only the newest is kept. Start a new export.";
            view! { <section class="card panel"><h2>"The file is gone"</h2><p>{text}</p></section> }.into_any()
        }
        RunState::Queued | RunState::Running(_) => ().into_any(),
    }
}

#[component]
fn CompletedRun(
    id: ExportId,
    file_name: String,
    estimated_bytes: Option<u64>,
    summary: ExportSummary,
) -> impl IntoView {
    let has_drifted = summary.deviations.has_drifted();
    let (class, icon) = if summary.deviations.is_as_expected() {
        ("card panel is-success", "shield-check")
    } else {
        ("card panel is-warning", "triangle-alert")
    };
    let counts = counts(&summary, estimated_bytes);
    let kept_until =
        summary.expires_at.as_deref().map(|at| format!("The file is kept until {} UTC.", text::clock_time(at)));
    view! {
        <section class=class aria-label="Result">
            <h2><Icon name=icon />{text::capitalized(&summary.deviations.headline())}</h2>
            {deviations_list(&summary.deviations)}
            <p>{has_drifted.then_some("Sealed: the data in the file is complete. ")}{counts}</p>
            <Proof sha256=summary.sha256 command=format!("waybill verify {file_name}") />
            <p class="action-row">
                <a class="button" href=route::with_id(route::EXPORT_FILE, id) download=file_name><Icon name="download" />"Download again"</a>
                <span class="muted">{kept_until}</span>
            </p>
        </section>
    }
}

/// `12,640 of 12,640 records, 9.7 MB (estimated 9.8 MB), in 1.2 s.`
fn counts(summary: &ExportSummary, estimated_bytes: Option<u64>) -> String {
    let records = text::count(summary.records);
    let (bytes, duration) = (text::bytes(summary.bytes), text::duration(summary.duration_ms));
    let estimated = estimated_bytes.map_or_else(String::new, |bytes| format!(" (estimated {})", text::bytes(bytes)));
    format!("{records} of {records} records, {bytes}{estimated}, in {duration}.")
}

fn deviations_list(deviations: &Deviations) -> Option<AnyView> {
    let lines = deviations.lines();
    (!lines.is_empty()).then(|| {
        let items = lines.into_iter().map(|line| view! { <li>{text::to_sentence(&line)}</li> }).collect_view();
        view! { <ul class="deviations">{items}</ul> }.into_any()
    })
}

/// The digest of the seal, and the command that verifies the file.
#[component]
fn Proof(sha256: String, command: String) -> impl IntoView {
    view! {
        <p class="command">
            <span>"Seal"</span>
            <code tabindex="0" data-testid="sha256">{sha256.clone()}</code>
            <CopyButton text=sha256 object="the seal's digest" />
        </p>
        <p class="command">
            <span>"Verify it at any time"</span>
            <code tabindex="0">{command.clone()}</code>
            <CopyButton text=command object="the command" />
        </p>
    }
}

#[component]
fn FailedRun(failure: Failure) -> impl IntoView {
    let reference = failure.reference.map(|reference| view! { " Reference "<code>{reference}</code> });
    view! {
        <section class="card panel is-error" role="alert">
            <h2><Icon name="triangle-alert" />"Export failed"</h2>
            <p>{failure.message}</p>
            <p class="muted">"No file was created."{reference}</p>
        </section>
    }
}
