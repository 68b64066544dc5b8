//! The export page: preview, one action, progress and result in one place.
//!
//! Flow: the server renders `ExportView` with its data; in the browser `RunTracker` follows a run through its
//! events, and `poll_preview` polls the preview until every table is counted and measured.

mod audit;
mod breadcrumbs;
mod drift;
mod guide;
mod history;
mod progress;
mod run_page;
mod run_result;
mod run_tracker;
mod start_form;
mod stats;
mod tables;
mod verify;

use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use crate::model::export::Preview;
use crate::model::{route, text};
use crate::rpc::export::{self as rpc, open_export_page};
use crate::ui::components::{ErrorPanel, Icon, Layout, Loading, ToastRegion, current_viewer, text_signal};

pub use audit::{AuditPage, AuditQuery};
use breadcrumbs::to_export;
use drift::{DriftPanel, GuessPanel};
pub use guide::GuidePage;
use guide::GuidePanel;
pub use history::HistoryPage;
use progress::ProgressPanel;
pub use run_page::RunPage;
use run_result::RunResult;
use run_tracker::{RunTracker, poll_preview};
use start_form::StartForm;
use stats::Stats;
use tables::Tables;
pub use verify::VerifyPage;

fn actions() -> impl IntoView {
    view! {
        <a class="button" href=route::VERIFY><Icon name="shield-check" />"Verify a file"</a>
        <a class="button" href=route::HISTORY><Icon name="history" />"History"</a>
    }
}

#[component]
pub fn ExportPage(problem: String) -> impl IntoView {
    let problem = StoredValue::new(problem);
    let page = Resource::new(|| (), |()| open_export_page());
    view! {
        <Layout title="Database export" crumbs=to_export() actions=actions>
            <Loading>
                {move || page.get().map(|page| match page {
                    Ok(page) => view! { <ExportView page problem=problem.get_value() /> }.into_any(),
                    Err(error) => view! { <ErrorPanel error viewer=current_viewer() /> }.into_any(),
                })}
            </Loading>
        </Layout>
    }
}

#[component]
fn ExportView(page: rpc::ExportPageData, problem: String) -> impl IntoView {
    let preview = RwSignal::new(page.preview);
    let tracker = RunTracker::new(page.run);
    tracker.show_form_error(&problem);
    let toast = tracker.toast;
    tracker.resume();
    poll_preview(preview);
    let failure = Memo::new(move |_| preview.read().failure.clone());
    let body = move || match failure.get() {
        Some(reason) => view! { <SourceError reason /> }.into_any(),
        None => view! { <ReadyView preview tracker /> }.into_any(),
    };
    view! {
        {body}
        <p class="visually-hidden" role="status">{tracker.announcement}</p>
        <ToastRegion toast />
    }
}

/// The content of the page if the source can be read.
#[component]
fn ReadyView(preview: RwSignal<Preview>, tracker: RunTracker) -> impl IntoView {
    view! {
        <PreviewHeader preview />
        <Stats preview />
        <ExportAction preview tracker />
        <DriftPanel preview />
        <GuessPanel preview />
        <Tables preview />
        <GuidePanel />
    }
}

#[component]
fn PreviewHeader(preview: RwSignal<Preview>) -> impl IntoView {
    let refresh = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        leptos::task::spawn_local(async move {
            if let Ok(newer) = rpc::preview_export(true).await {
                preview.set(newer);
                poll_preview(preview);
            }
        });
    };
    let taken_at = text_signal(move || text::clock_time(&preview.read().taken_at).to_owned());
    let effect = text_signal(move || {
        let blocks = preview.read().blocks_writers;
        let text = if blocks {
            "While an export runs, this database accepts no changes."
        } else {
            "Exporting does not block users."
        };
        text.to_owned()
    });
    view! {
        <form class="preview-header" method="post" action=rpc::PreviewExport::PATH on:submit=refresh>
            "Preview taken "<time>{taken_at}</time>
            " UTC from one consistent snapshot. "{effect}" "
            <button class="link-button" name="refresh" value="true">"Refresh"</button>
        </form>
    }
}

/// The form that starts an export, the progress of a run, or its result.
#[component]
fn ExportAction(preview: RwSignal<Preview>, tracker: RunTracker) -> impl IntoView {
    let phase = tracker.phase();
    move || match phase.get() {
        None => view! { <StartForm preview tracker is_repeat=false /> }.into_any(),
        Some(false) => view! { <ProgressPanel tracker /> }.into_any(),
        Some(true) => view! { <RunResult tracker /><StartForm preview tracker is_repeat=true /> }.into_any(),
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
