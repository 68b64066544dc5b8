//! The verify page: checks a file in the browser, in a Web Worker; the file is never uploaded.
//!
//! Flow: `FileChecker` has the chosen file checked and keeps the state; `CheckResult` shows it.

mod checker;
mod result;
mod valid_file;

use leptos::prelude::*;
use web_sys::File;

use super::breadcrumbs::below_export_of;
use crate::ui::browser::{dropped_file, picked_file};
use crate::ui::components::{Icon, Layout};
use checker::FileChecker;
use result::CheckResult;

const NOSCRIPT_HINT: &str = "<p class=\"form-error\">Checking in the browser needs JavaScript. \
    On the command line: <code>waybill verify FILE</code></p>";

#[component]
pub fn VerifyPage(of_organization: bool) -> impl IntoView {
    view! { <Layout title="Verify a file" crumbs=below_export_of(of_organization)><VerifyPanel /></Layout> }
}

#[component]
fn VerifyPanel() -> impl IntoView {
    let checker = FileChecker::new();
    view! {
        <section class="card panel">
            <p>"Choose an exported file to see what it contains, whether it is complete, and whether this console made it. The file is read in your browser and not uploaded; only the digest of its seal is looked up."</p>
            <DropZone checker />
            <noscript inner_html=NOSCRIPT_HINT></noscript>
        </section>
        <div role="status">{move || view! { <CheckResult state=checker.state.get() /> }}</div>
    }
}

#[component]
fn DropZone(checker: FileChecker) -> impl IntoView {
    let is_dragging = RwSignal::new(false);
    let check = move |file: Option<File>| {
        is_dragging.set(false);
        if let Some(file) = file {
            checker.check(&file);
        }
    };
    view! {
        <label class="drop-zone needs-js" class:is-dragging=move || is_dragging.get()
            on:dragover=move |event| { event.prevent_default(); is_dragging.set(true); }
            on:dragleave=move |_| is_dragging.set(false)
            on:drop=move |event| { event.prevent_default(); check(dropped_file(&event)); }
        >
            <Icon name="file-search" />
            <span>"Drop a file here, or "<strong>"choose one"</strong></span>
            <input type="file" accept=".json,.gz,.zst,application/json,application/gzip,application/zstd" on:change=move |event| check(picked_file(&event)) />
        </label>
    }
}
