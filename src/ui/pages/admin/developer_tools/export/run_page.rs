//! The page of one run. Without JavaScript, the start form redirects here and the page reloads until the file is ready.

use leptos::prelude::*;

use super::breadcrumbs::below_export_of;
use super::progress::ProgressPanel;
use super::run_result::RunResult;
use super::run_tracker::{Phase, RunTracker};
use crate::model::export::{ExportId, RunState, RunView};
use crate::model::route;
use crate::model::selection::ScopeKind;
use crate::rpc::export::view_export;
use crate::ui::components::{Layout, Loaded, ToastRegion};

#[component]
pub fn RunPage(id: ExportId, scope: Option<ScopeKind>) -> impl IntoView {
    let run = Resource::new(move || id, view_export);
    let (back, verify) = match scope {
        None => (route::EXPORT, route::VERIFY),
        Some(ScopeKind::Organization) => (route::ORGANIZATION_EXPORT, route::ORGANIZATION_VERIFY),
        Some(ScopeKind::Person) => (route::OWN_DATA, route::OWN_DATA_VERIFY),
    };
    view! {
        <Layout title="Export run" crumbs=below_export_of(scope)>
            <Loaded data=run show=move |run| view! { <RunContent run back verify /> }.into_any() />
        </Layout>
    }
}

#[component]
fn RunContent(run: RunView, back: &'static str, verify: &'static str) -> impl IntoView {
    let download_redirect = download_redirect(&run);
    let tracker = RunTracker::new(Some(run));
    tracker.resume();
    let phase = tracker.phase();
    let body = move || match phase.get() {
        Phase::Running(id) => view! { <ProgressPanel id tracker /> }.into_any(),
        Phase::Idle | Phase::Finished => view! { <RunResult tracker /> }.into_any(),
    };
    view! {
        {body}
        {download_redirect}
        <p class="action-row">
            <a class="button" href=back>"Back to the export page"</a>
            <a class="button" href=verify>"Verify a file"</a>
        </p>
        <p class="visually-hidden" role="status">{tracker.announcer.text}</p>
        <ToastRegion toast=tracker.toast />
    }
}

/// Without JavaScript the page redirects to the finished file.
fn download_redirect(run: &RunView) -> Option<AnyView> {
    let is_completed = matches!(run.state, RunState::Completed(_));
    is_completed.then(|| {
        let file = route::with_id(route::EXPORT_FILE, run.id);
        let html = format!("<meta http-equiv=\"refresh\" content=\"0;url={file}\">");
        view! { <noscript inner_html=html></noscript> }.into_any()
    })
}
