//! The export page: preview, one action, progress and result in one place.
//!
//! Flow: the server renders `Opened` with its data; in the browser `Live` follows a run through its
//! events, and `settle` polls the preview until every table is counted and measured.

mod audit;
mod drift;
mod guide;
mod history;
mod live;
mod outcome;
mod progress;
mod run_page;
mod start;
mod stats;
mod tables;
mod verify;

use leptos::prelude::*;

use crate::model::export::Preview;
use crate::model::text;
use crate::rpc::export::{self as rpc, open_export_page};
use crate::ui::components::{Frame, Icon, Refusal, Toasts, Waiting, current_viewer, text as follow};

pub use audit::{AuditPage, AuditQuery};
use drift::{DriftPanel, GuessPanel};
pub use guide::GuidePage;
use guide::GuidePanel;
pub use history::HistoryPage;
use live::{Live, settle};
use outcome::Outcome;
use progress::ProgressPanel;
pub use run_page::RunPage;
use start::Start;
use stats::Stats;
use tables::Tables;
pub use verify::VerifyPage;

const CRUMBS: [(&str, &str); 2] = [("Admin", "/admin"), ("Developer tools", "/admin")];

/// The path of this page.
const HERE: &str = "/admin/developer-tools/export";

fn actions() -> impl IntoView {
    view! {
        <a class="button" href="/admin/developer-tools/export/verify"><Icon name="shield-check" />"Verify a file"</a>
        <a class="button" href="/admin/developer-tools/export/history"><Icon name="history" />"History"</a>
    }
}

#[component]
pub fn ExportPage(problem: String) -> impl IntoView {
    let problem = StoredValue::new(problem);
    let page = Resource::new(|| (), |()| open_export_page());
    view! {
        <Frame title="Database export" crumbs=CRUMBS.to_vec() actions=actions>
            <Waiting>
                {move || page.get().map(|page| match page {
                    Ok(page) => view! { <Opened page problem=problem.get_value() /> }.into_any(),
                    Err(error) => view! { <Refusal error viewer=current_viewer() /> }.into_any(),
                })}
            </Waiting>
        </Frame>
    }
}

#[component]
fn Opened(page: rpc::ExportPage, problem: String) -> impl IntoView {
    let preview = RwSignal::new(page.preview);
    let live = Live::of(page.run);
    live.tell(&problem);
    let toast = live.toast;
    live.adopt();
    settle(preview);
    let failed = Memo::new(move |_| preview.read().failure.clone());
    let body = move || match failed.get() {
        Some(reason) => view! { <Unreadable reason /> }.into_any(),
        None => view! { <Console preview live /> }.into_any(),
    };
    view! {
        {body}
        <p class="visually-hidden" role="status">{live.announcement}</p>
        <Toasts toast />
    }
}

/// The content of the page if the source can be read.
#[component]
fn Console(preview: RwSignal<Preview>, live: Live) -> impl IntoView {
    view! {
        <Taken preview />
        <Stats preview />
        <Action preview live />
        <DriftPanel preview />
        <GuessPanel preview />
        <Tables preview />
        <GuidePanel />
    }
}

#[component]
fn Taken(preview: RwSignal<Preview>) -> impl IntoView {
    let refresh = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        leptos::task::spawn_local(async move {
            if let Ok(newer) = rpc::preview_export(true).await {
                preview.set(newer);
                settle(preview);
            }
        });
    };
    let taken_at = follow(move || text::clock_time(&preview.read().taken_at).to_owned());
    let effect = follow(move || {
        let blocks = preview.read().blocks_writers;
        let text = if blocks {
            "While an export runs, this database accepts no changes."
        } else {
            "Exporting does not block users."
        };
        text.to_owned()
    });
    view! {
        <form class="sub" method="post" action="/rpc/preview_export" on:submit=refresh>
            "Preview taken "<time>{taken_at}</time>
            " UTC from one consistent snapshot. "{effect}" "
            <button class="quiet" name="refresh" value="true">"Refresh"</button>
        </form>
    }
}

/// The form that starts an export, the progress of a run, or its result.
#[component]
fn Action(preview: RwSignal<Preview>, live: Live) -> impl IntoView {
    let phase = live.phase();
    move || match phase.get() {
        None => view! { <Start preview live again=false /> }.into_any(),
        Some(false) => view! { <ProgressPanel live /> }.into_any(),
        Some(true) => view! { <Outcome live /><Start preview live again=true /> }.into_any(),
    }
}

#[component]
fn Unreadable(reason: String) -> impl IntoView {
    view! {
        <section class="card message bad" role="alert">
            <h2>"The database cannot be read"</h2>
            <p>{text::sentence(&reason)}</p>
            <a class="button" href=HERE>"Try again"</a>
        </section>
    }
}
