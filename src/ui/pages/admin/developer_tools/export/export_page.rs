//! The export page: preview, one action, progress and result in one place.

use leptos::prelude::*;

use super::breadcrumbs::to_export;
use super::guide::GuidePanel;
use super::part::PartForm;
use super::preview_header::PreviewHeader;
use super::preview_tracker::PreviewTracker;
use super::progress::{ProgressPanel, RELOAD_META};
use super::run_result::RunResult;
use super::run_tracker::{Phase, RunTracker};
use super::start_form::StartForm;
use super::stats::Stats;
use super::tables::Tables;
use crate::model::{route, text};
use crate::rpc::export::{ExportPageData, open_export_page};
use crate::ui::components::{Icon, Layout, Loaded, ToastRegion};

#[component]
pub fn ExportPage(problem: String, part: String) -> impl IntoView {
    let (problem, part) = (StoredValue::new(problem), StoredValue::new(part));
    let page = Resource::new(|| (), move |()| open_export_page(part.get_value()));
    view! {
        <Layout title="Database export" crumbs=to_export() actions=actions>
            <Loaded data=page show=move |page| {
                view! { <ExportView page problem=problem.get_value() part=part.get_value() /> }.into_any()
            } />
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
fn ExportView(page: ExportPageData, problem: String, part: String) -> impl IntoView {
    let tracker = RunTracker::new(page.run);
    tracker.show_form_error(&problem);
    tracker.resume();
    let previews = PreviewTracker::new(page.preview, page.problem, tracker.toast, tracker.announcer.text);
    previews.complete();
    // Without script, a part that is still being counted is asked for again until it is known.
    let is_counting = previews.preview.read_untracked().part.is_some() && !previews.preview.read_untracked().settled;
    let reload = is_counting.then(|| view! { <noscript inner_html=RELOAD_META></noscript> });
    let failure = Memo::new(move |_| previews.preview.read().failure.clone());
    let part = StoredValue::new(part);
    let body = move || match failure.get() {
        Some(reason) => source_error(&reason),
        None => view! { <ReadyView previews tracker part=part.get_value() /> }.into_any(),
    };
    view! {
        {body}
        {reload}
        <p class="visually-hidden" role="status">{tracker.announcer.text}</p>
        <ToastRegion toast=tracker.toast />
    }
}

/// The content of the page if the source can be read.
#[component]
fn ReadyView(previews: PreviewTracker, tracker: RunTracker, part: String) -> impl IntoView {
    let figures = move || match previews.problem.get() {
        Some(reason) => no_such_part(&reason),
        None => view! { <Figures previews tracker /> }.into_any(),
    };
    // Of a part that does not exist, there is nothing to list.
    let has_tables = Memo::new(move |_| !previews.preview.read().planned.is_empty());
    let tables = move || has_tables.get().then(|| view! { <Tables previews /> }.into_any());
    view! {
        {figures}
        <PartForm part tracker=previews />
        {tables}
        <GuidePanel />
    }
}

/// The key figures of the preview, and what can be done.
#[component]
fn Figures(previews: PreviewTracker, tracker: RunTracker) -> impl IntoView {
    view! { <PreviewHeader previews /><Stats previews /><ExportAction previews tracker /> }
}

/// The form that starts an export, the progress of a run, or its result.
#[component]
fn ExportAction(previews: PreviewTracker, tracker: RunTracker) -> impl IntoView {
    let phase = tracker.phase();
    let is_empty = Memo::new(move |_| previews.preview.read().part.as_ref().is_some_and(|part| part.is_empty));
    let start = move |is_repeat| {
        if is_empty.get() { nothing_matches() } else { view! { <StartForm previews tracker is_repeat /> }.into_any() }
    };
    move || match phase.get() {
        Phase::Idle => start(false),
        Phase::Running(id) => view! { <ProgressPanel id tracker /> }.into_any(),
        Phase::Finished => view! { <RunResult tracker />{start(true)} }.into_any(),
    }
}

/// In place of what cannot be shown or exported.
#[component]
fn Notice(title: &'static str, text: String, link: &'static str, is_error: bool) -> impl IntoView {
    view! {
        <section class="card message" class:is-error=is_error role=if is_error { "alert" } else { "status" }>
            <h2>{title}</h2>
            <p>{text}</p>
            <a class="button" href=route::EXPORT>{link}</a>
        </section>
    }
}

fn source_error(reason: &str) -> AnyView {
    let (title, text) = ("The database cannot be read", text::to_sentence(reason));
    view! { <Notice title text link="Try again" is_error=true /> }.into_any()
}

fn no_such_part(reason: &str) -> AnyView {
    let (title, text) = ("There is no such part", text::to_sentence(reason));
    view! { <Notice title text link=WHOLE is_error=true /> }.into_any()
}

fn nothing_matches() -> AnyView {
    let text =
        "No record fulfils all that is chosen, so there is nothing to export. Take away one of the choices below.";
    view! { <Notice title="Nothing matches this choice" text=text.to_owned() link=WHOLE is_error=false /> }.into_any()
}

const WHOLE: &str = "Show the full database";
