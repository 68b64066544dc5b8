//! The page of one run. Without JavaScript, the start form redirects here and the page reloads until the file is ready.

use leptos::prelude::*;

use super::breadcrumbs::{BREADCRUMBS, EXPORT_PATH};
use super::progress::ProgressPanel;
use super::run_result::RunResult;
use super::run_tracker::RunTracker;
use crate::model::export::{ExportId, RunState, RunView};
use crate::rpc::export::view_export;
use crate::ui::components::{ErrorPanel, Layout, Loading, ToastRegion, current_viewer};

#[component]
pub fn RunPage(id: ExportId) -> impl IntoView {
    let run = Resource::new(move || id, view_export);
    let crumbs = [&BREADCRUMBS[..], &[("Export", EXPORT_PATH)]].concat();
    view! {
        <Layout title="Export run" crumbs>
            <Loading>
                {move || run.get().map(|run| match run {
                    Ok(run) => view! { <RunContent run /> }.into_any(),
                    Err(error) => view! { <ErrorPanel error viewer=current_viewer() /> }.into_any(),
                })}
            </Loading>
        </Layout>
    }
}

#[component]
fn RunContent(run: RunView) -> impl IntoView {
    let is_completed = matches!(run.state, RunState::Completed(_));
    // Without JavaScript the page redirects to the finished file.
    let download_redirect = is_completed.then(|| {
        let html = format!("<meta http-equiv=\"refresh\" content=\"0;url=/api/v1/exports/{}/file\">", run.id);
        view! { <noscript inner_html=html></noscript> }
    });
    let tracker = RunTracker::new(Some(run));
    tracker.resume();
    let phase = tracker.phase();
    let body = move || match phase.get() {
        Some(false) => view! { <ProgressPanel tracker /> }.into_any(),
        _ => view! { <RunResult tracker /> }.into_any(),
    };
    view! {
        {body}
        {download_redirect}
        <p><a class="button" href=EXPORT_PATH>"Back to the export page"</a></p>
        <p class="visually-hidden" role="status">{tracker.announcement}</p>
        <ToastRegion toast=tracker.toast />
    }
}
