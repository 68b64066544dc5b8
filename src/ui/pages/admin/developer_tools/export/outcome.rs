//! The result of a finished run.

use leptos::prelude::*;

use super::live::Live;
use crate::model::export::{ExportId, ExportSummary, Failure, RunState, RunView};
use crate::model::text;
use crate::ui::components::{CopyButton, Icon};

#[component]
pub fn Outcome(live: Live) -> impl IntoView {
    move || live.run.get().map(|run| view! { <Ended run /> })
}

#[component]
fn Ended(run: RunView) -> impl IntoView {
    let RunView { id, file_name, estimated_bytes, state } = run;
    match state {
        RunState::Completed(done) => view! { <Complete id file_name estimated_bytes done /> }.into_any(),
        RunState::Failed(failure) => view! { <NotComplete failure /> }.into_any(),
        RunState::Cancelled => {
            let text = "No file was made, and nothing was changed.";
            view! { <section class="card panel"><h2>"Cancelled"</h2><p>{text}</p></section> }.into_any()
        }
        RunState::Expired => {
            let text = "Files are kept for 15 minutes. Start a new export.";
            view! { <section class="card panel"><h2>"The file has expired"</h2><p>{text}</p></section> }.into_any()
        }
        RunState::Queued | RunState::Running(_) => ().into_any(),
    }
}

#[component]
fn Complete(id: ExportId, file_name: String, estimated_bytes: Option<u64>, done: ExportSummary) -> impl IntoView {
    let records = text::count(done.records);
    let estimated = estimated_bytes.map(|bytes| format!(" (estimated {})", text::bytes(bytes))).unwrap_or_default();
    let counts = format!(
        "{records} of {records} records, {}{estimated}, in {}.",
        text::bytes(done.bytes),
        text::duration(done.duration_ms)
    );
    let kept = done.expires_at.as_deref().map(|at| format!("The file is kept until {} UTC.", text::clock_time(at)));
    let command = format!("waybill verify {file_name}");
    let has_drifted = done.deviations.has_drifted();
    let (look, icon) =
        if has_drifted { ("card panel warn", "triangle-alert") } else { ("card panel good", "shield-check") };
    let headline = text::capitalized(&done.deviations.headline());
    let deviations =
        done.deviations.lines().into_iter().map(|line| view! { <li>{text::sentence(&line)}</li> }).collect_view();
    let deviations = (!done.deviations.lines().is_empty()).then(|| view! { <ul class="deviations">{deviations}</ul> });
    view! {
        <section class=look aria-label="Result">
            <h2><Icon name=icon />{headline}</h2>
            {deviations}
            <p>{has_drifted.then_some("Sealed: what is in the file is whole. ")}{counts}</p>
            <p class="command">
                <span>"Seal"</span>
                <code class="digest" tabindex="0" data-testid="sha256">{done.sha256.clone()}</code>
                <CopyButton text=done.sha256 what="the seal's digest" />
            </p>
            <p class="command">
                <span>"Check it any time"</span>
                <code tabindex="0">{command.clone()}</code>
                <CopyButton text=command what="the command" />
            </p>
            <p class="go">
                <a class="button" href=format!("/api/v1/exports/{id}/file") download=file_name><Icon name="download" />"Download again"</a>
                <span class="soft">{kept}</span>
            </p>
        </section>
    }
}

#[component]
fn NotComplete(failure: Failure) -> impl IntoView {
    view! {
        <section class="card panel bad" role="alert">
            <h2><Icon name="triangle-alert" />"Not complete"</h2>
            <p>{failure.message}</p>
            <p class="soft">"No file was published. Reference "<code>{failure.reference}</code></p>
        </section>
    }
}
