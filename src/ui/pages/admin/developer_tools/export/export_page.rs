//! The export page: preview, one action, progress and result in one place.

use leptos::prelude::*;

use super::breadcrumbs::to_export;
use super::drift::DriftPanel;
use super::guesses::GuessPanel;
use super::guide::GuidePanel;
use super::preview_header::PreviewHeader;
use super::preview_polling::poll_preview;
use super::progress::ProgressPanel;
use super::run_result::RunResult;
use super::run_tracker::{Phase, RunTracker};
use super::start_form::StartForm;
use super::stats::Stats;
use super::tables::Tables;
use crate::model::preview::Preview;
use crate::model::{route, text};
use crate::rpc::export::{ExportPageData, open_export_page};
use crate::ui::components::{Icon, Layout, Loaded, ToastRegion};

#[component]
pub fn ExportPage(problem: String) -> impl IntoView {
    let problem = StoredValue::new(problem);
    let page = Resource::new(|| (), |()| open_export_page());
    view! {
        <Layout title="Database export" crumbs=to_export() actions=actions>
            <Loaded data=page show=move |page| view! { <ExportView page problem=problem.get_value() /> }.into_any() />
        </Layout>
    }
}

fn actions() -> impl IntoView {
    view! {
        <a class="button" href=route::VERIFY><Icon name="shield-check" />"Verify a file"</a>
        <a class="button" href=route::HISTORY><Icon name="history" />"History"</a>
    }
}

#[component]
fn ExportView(page: ExportPageData, problem: String) -> impl IntoView {
    let preview = RwSignal::new(page.preview);
    let tracker = RunTracker::new(page.run);
    tracker.show_form_error(&problem);
    tracker.resume();
    poll_preview(preview, tracker.toast);
    let failure = Memo::new(move |_| preview.read().failure.clone());
    let body = move || match failure.get() {
        Some(reason) => view! { <SourceError reason /> }.into_any(),
        None => view! { <ReadyView preview tracker /> }.into_any(),
    };
    view! {
        {body}
        <p class="visually-hidden" role="status">{tracker.announcer.text}</p>
        <ToastRegion toast=tracker.toast />
    }
}

/// The content of the page if the source can be read.
#[component]
fn ReadyView(preview: RwSignal<Preview>, tracker: RunTracker) -> impl IntoView {
    view! {
        <PreviewHeader preview toast=tracker.toast />
        <Stats preview />
        <ExportAction preview tracker />
        <DriftPanel preview />
        <GuessPanel preview />
        <Tables preview />
        <GuidePanel />
    }
}

/// The form that starts an export, the progress of a run, or its result.
#[component]
fn ExportAction(preview: RwSignal<Preview>, tracker: RunTracker) -> impl IntoView {
    let phase = tracker.phase();
    move || match phase.get() {
        Phase::Idle => view! { <StartForm preview tracker is_repeat=false /> }.into_any(),
        Phase::Running(id) => view! { <ProgressPanel id tracker /> }.into_any(),
        Phase::Finished => view! { <RunResult tracker /><StartForm preview tracker is_repeat=true /> }.into_any(),
    }
}

#[component]
fn SourceError(reason: String) -> impl IntoView {
    view! {
        <section class="card message is-error" role="alert">
            <h2>"The database cannot be read"</h2>
            <p>{text::to_sentence(&reason)}</p>
            <a class="button" href=route::EXPORT>"Try again"</a>
        </section>
    }
}
