//! The import page, step by step.

use leptos::prelude::*;

use super::choose_file::ChooseFile;
use super::kept_imports::KeptImports;
use super::outcome::Outcome;
use super::tracker::{ImportTracker, OUTCOME};
use crate::model::import_page::{ImportPageData, RunningWork};
use crate::model::route::{ADMIN, EXPORT, IMPORT};
use crate::model::text;
use crate::rpc::import::open_import_page;
use crate::ui::components::{Icon, Layout, Loaded};

const NOSCRIPT_HINT: &str = "<p class=\"form-error\">Importing on this page needs JavaScript: the file is checked before it is sent. \
    On the command line: <code>waybill import FILE --target URL</code></p>";

#[component]
pub fn ImportPage() -> impl IntoView {
    let page = Resource::new(|| (), |()| open_import_page());
    view! {
        <Layout title="Database import" crumbs=vec![("Admin", ADMIN), ("Developer tools", ADMIN)] actions=actions>
            <Loaded data=page show=|page| view! { <ImportView page /> }.into_any() />
        </Layout>
    }
}

fn actions() -> impl IntoView {
    view! { <a class="button" href=EXPORT><Icon name="database" />"Export"</a> }
}

#[component]
fn ImportView(page: ImportPageData) -> impl IntoView {
    if !page.is_on {
        return view! { <ImportsAreOff /> }.into_any();
    }
    let tracker = ImportTracker::new();
    let running = page.running.into_iter().map(|work| view! { <RunningNotice work /> }).collect_view();
    view! {
        {running}
        <noscript inner_html=NOSCRIPT_HINT></noscript>
        <ChooseFile tracker target=page.target max_upload_bytes=page.max_upload_bytes />
        <div id=OUTCOME tabindex="-1" role="status" on:keydown=move |event| if event.key() == "Escape" { tracker.leave_question() }>
            <Outcome tracker />
        </div>
        <KeptImports kept=page.kept tracker />
    }
    .into_any()
}

/// Somebody writes to the database at this moment.
#[component]
fn RunningNotice(work: RunningWork) -> impl IntoView {
    let what = if work.is_undo { "An undo" } else { "An import" };
    let text = format!(
        "{what} by {} runs since {} UTC. The application's changes to the same tables wait meanwhile.",
        work.by,
        text::to_minute(&work.since)
    );
    view! {
        <section class="card message" role="status">
            <h2>"Somebody writes to the database"</h2>
            <p>{text}</p>
            <a class="button" href=IMPORT>"Look again"</a>
        </section>
    }
}

/// How imports are turned on.
#[component]
fn ImportsAreOff() -> impl IntoView {
    view! {
        <section class="card message">
            <h2>"Imports are off"</h2>
            <p>"This server only reads the database. To turn imports on, start it with the URL of the same database and a user who owns its tables:"</p>
            <p class="command"><code tabindex="0">"WAYBILL_TARGET=postgres://owner@host/database waybill serve …"</code></p>
            <p>"On the command line, imports need no server: "<code>"waybill import FILE --target URL"</code></p>
        </section>
    }
}
