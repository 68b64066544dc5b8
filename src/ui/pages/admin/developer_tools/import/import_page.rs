//! The import page, step by step.

use leptos::prelude::*;

use super::choose_file::ChooseFile;
use super::kept_imports::KeptImports;
use super::outcome::Outcome;
use super::tracker::ImportTracker;
use crate::model::import_page::ImportPageData;
use crate::model::route::{ADMIN, EXPORT};
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
    view! {
        <noscript inner_html=NOSCRIPT_HINT></noscript>
        <ChooseFile tracker max_upload_bytes=page.max_upload_bytes can_undo=page.can_undo />
        <div role="status"><Outcome tracker /></div>
        <KeptImports kept=page.kept tracker />
    }
    .into_any()
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
