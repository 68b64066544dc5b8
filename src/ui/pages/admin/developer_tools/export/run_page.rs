//! The page of one run. Without JavaScript, the start form redirects here and the page reloads until the file is ready.

use leptos::prelude::*;

use super::live::Live;
use super::outcome::Outcome;
use super::progress::ProgressPanel;
use super::{CRUMBS, HERE};
use crate::model::export::{ExportId, RunState, RunView};
use crate::rpc::export::view_export;
use crate::ui::components::{Frame, Refusal, Toasts, Waiting, current_viewer};

#[component]
pub fn RunPage(id: ExportId) -> impl IntoView {
    let run = Resource::new(move || id, view_export);
    let crumbs = [&CRUMBS[..], &[("Export", HERE)]].concat();
    view! {
        <Frame title="Export run" crumbs>
            <Waiting>
                {move || run.get().map(|run| match run {
                    Ok(run) => view! { <Run run /> }.into_any(),
                    Err(error) => view! { <Refusal error viewer=current_viewer() /> }.into_any(),
                })}
            </Waiting>
        </Frame>
    }
}

#[component]
fn Run(run: RunView) -> impl IntoView {
    let done = matches!(run.state, RunState::Completed(_));
    // Without JavaScript the page redirects to the finished file.
    let fetch = done.then(|| {
        let html = format!("<meta http-equiv=\"refresh\" content=\"0;url=/api/v1/exports/{}/file\">", run.id);
        view! { <noscript inner_html=html></noscript> }
    });
    let live = Live::of(Some(run));
    live.adopt();
    let phase = live.phase();
    let body = move || match phase.get() {
        Some(false) => view! { <ProgressPanel live /> }.into_any(),
        _ => view! { <Outcome live /> }.into_any(),
    };
    view! {
        {body}
        {fetch}
        <p><a class="button" href=HERE>"Back to the export page"</a></p>
        <p class="visually-hidden" role="status">{live.announcement}</p>
        <Toasts toast=live.toast />
    }
}
