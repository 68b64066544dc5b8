//! The page, step by step.

use leptos::prelude::*;

use super::super::strings;
use super::kept_imports::KeptImports;
use super::outcome::Outcome;
use super::tracker::{OUTCOME, OwnImportTracker};
use crate::model::own_import::OwnImportPageData;
use crate::model::{route, text};
use crate::rpc::own_data::open_own_import;
use crate::ui::browser;
use crate::ui::components::{Icon, Layout, Loaded};
use crate::ui::pages::file_check::{CheckResult, CheckState, DropZone, FileChecker, SignatureStatus};

#[component]
pub fn OwnImportPage() -> impl IntoView {
    let page = Resource::new(|| (), |()| open_own_import());
    view! {
        <Layout title=strings::IMPORT_TITLE crumbs=vec![(strings::TOOLS, route::ADMIN), (strings::TITLE, route::OWN_DATA)] actions=|| ()>
            <Loaded data=page show=|page| view! { <Content page /> }.into_any() />
        </Layout>
    }
}

#[component]
fn Content(page: OwnImportPageData) -> impl IntoView {
    if !page.is_on {
        return view! { <Message title=strings::IMPORT_OFF_TITLE text=strings::IMPORT_OFF.to_owned() /> }.into_any();
    }
    let (tracker, checker) = (OwnImportTracker::new(), FileChecker::new());
    let on_file = Callback::new(move |file: web_sys::File| {
        tracker.start_over();
        checker.check(&file);
        browser::keep_file(file);
    });
    let max_bytes = page.max_upload_bytes;
    view! {
        <noscript inner_html=strings::IMPORT_NO_SCRIPT></noscript>
        <section class="card panel">
            <p>{strings::IMPORT_INTRODUCTION}</p>
            <DropZone on_file />
        </section>
        <div role="status">{move || match checker.state.get() {
            CheckState::Valid { .. } => ().into_any(),
            state => view! { <CheckResult state has_counts=false /> }.into_any(),
        }}</div>
        {move || match checker.state.get() {
            CheckState::Valid { verified, .. } if verified.metadata.contents.is_none() => {
                view! { <Message title=strings::IMPORT_NO_ARCHIVE_TITLE text=strings::IMPORT_NO_ARCHIVE.to_owned() /> }.into_any()
            }
            CheckState::Valid { verified, .. } if verified.bytes > max_bytes.saturating_mul(100) => {
                let text = format!("{}{}.", strings::IMPORT_TOO_LARGE, text::bytes(max_bytes));
                view! { <Message title=strings::IMPORT_TOO_LARGE_TITLE text /> }.into_any()
            }
            CheckState::Valid { name, verified, signature, .. } => {
                let is_own = signature == SignatureStatus::OwnKey;
                view! { <ValidArchive name records=verified.records is_own tracker /> }.into_any()
            }
            _ => ().into_any(),
        }}
        <div id=OUTCOME tabindex="-1" role="status"><Outcome tracker /></div>
        <KeptImports kept=page.kept tracker />
    }
    .into_any()
}

#[component]
fn Message(title: &'static str, text: String) -> impl IntoView {
    view! { <section class="card message"><h2>{title}</h2><p>{text}</p></section> }
}

/// An archive whose seal is right, and the next step. `is_own`: signed with a key of this installation.
#[component]
fn ValidArchive(name: String, records: u64, is_own: bool, tracker: OwnImportTracker) -> impl IntoView {
    let title = if is_own { strings::IMPORT_UNALTERED } else { strings::IMPORT_WHOLE };
    let about = format!(": {}.", text::count_with_noun(records, "record"));
    view! {
        <section class="card panel checked-archive" aria-label=title>
            <h2><Icon name="shield-check" />{title}</h2>
            <p><strong>{name}</strong>{about}</p>
            <div class="action-row">
                <button type="button" class=move || if tracker.needs_preview() { "button primary" } else { "button" }
                    disabled=move || tracker.is_busy() on:click=move |_| tracker.preview()>{strings::IMPORT_PREVIEW}</button>
                <span class="muted">{strings::IMPORT_PREVIEW_HINT}</span>
            </div>
        </section>
    }
}
