//! The page of one run. Without JavaScript, the start form redirects here and the page reloads until the file is ready.

use leptos::prelude::*;

use super::breadcrumbs::below_export;
use super::progress::ProgressPanel;
use super::run_result::RunResult;
use super::run_tracker::RunTracker;
use crate::model::export::{ExportId, RunState, RunView};
use crate::model::route;
use crate::rpc::export::view_export;
use crate::ui::components::{ErrorPanel, Layout, Loading, ToastRegion, current_viewer};

#[component]
pub fn RunPage(id: ExportId) -> impl IntoView {
    let run = Resource::new(move || id, view_export);
    view! {
        <Layout title="Export run" crumbs=below_export()>
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
        let file = route::with_id(route::EXPORT_FILE, run.id);
        let html = format!("<meta http-equiv=\"refresh\" content=\"0;url={file}\">");
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
        <p><a class="button" href=route::EXPORT>"Back to the export page"</a></p>
        <p class="visually-hidden" role="status">{tracker.announcement}</p>
        <ToastRegion toast=tracker.toast />
    }
}
