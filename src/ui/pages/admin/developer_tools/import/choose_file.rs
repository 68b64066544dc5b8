//! Chooses the file, which is checked before it is sent, and what is done with records that are there already.

use leptos::prelude::*;

use super::tracker::ImportTracker;
use super::words::MODES;
use crate::model::import::ImportMode;
use crate::model::text;
use crate::ui::browser;
use crate::ui::pages::file_check::{CheckResult, CheckState, DropZone, FileChecker, SignatureStatus};

#[component]
pub fn ChooseFile(tracker: ImportTracker, target: String, max_upload_bytes: u64) -> impl IntoView {
    let checker = FileChecker::new();
    let on_file = Callback::new(move |file: web_sys::File| {
        tracker.start_over();
        tracker.accepts_unsigned.set(false);
        checker.check(&file);
        browser::keep_file(file);
    });
    view! {
        <section class="card panel">
            <p>"Imports go into "<code data-testid="target">{target}</code>"."</p>
            <p>"Choose an exported file. It is checked in your browser before a byte of it is sent. Then you see what it would do to the database, and nothing is written until you say so. An import can be undone for a day."</p>
            <DropZone on_file />
        </section>
        <div role="status">{move || view! { <CheckResult state=checker.state.get() has_counts=false /> }}</div>
        {move || match checker.state.get() {
            CheckState::Valid { verified, .. } if verified.bytes > max_upload_bytes => too_large(max_upload_bytes),
            CheckState::Valid { verified, .. } if verified.metadata.import_plan.is_some() => is_plan(),
            CheckState::Valid { signature, .. } => view! { <PlanForm tracker signature /> }.into_any(),
            _ => ().into_any(),
        }}
    }
}

fn too_large(max_upload_bytes: u64) -> AnyView {
    let limit = text::bytes(max_upload_bytes);
    view! {
        <section class="card message">
            <h2>"Too large for this page"</h2>
            <p>"The server takes files of up to "{limit}". Import this one on the command line: "<code>"waybill import FILE --target URL"</code></p>
        </section>
    }
    .into_any()
}

fn is_plan() -> AnyView {
    view! {
        <section class="card message">
            <h2>"This is a plan, not an export"</h2>
            <p>"A plan says what an import would do. Choose the exported file instead."</p>
        </section>
    }
    .into_any()
}

/// How the file is imported.
#[component]
fn PlanForm(tracker: ImportTracker, signature: SignatureStatus) -> impl IntoView {
    let is_trusted = signature == SignatureStatus::OwnKey;
    let modes =
        MODES.into_iter().map(move |(mode, name, explanation)| view! { <ModeChoice tracker mode name explanation /> });
    let accept = (!is_trusted).then(|| {
        view! {
            <label class="check">
                <input type="checkbox" on:change=move |event| {
                    tracker.accepts_unsigned.set(event_target_checked(&event));
                    tracker.start_over();
                } />
                <span>"I know where this file is from. No key of this installation has signed it, so anyone could have made it."</span>
            </label>
        }
    });
    let is_ready = move || is_trusted || tracker.accepts_unsigned.get();
    let is_busy = move || tracker.is_busy();
    view! {
        <section class="card panel" aria-label="Import">
            <fieldset class="modes"><legend>"What may the tables have already?"</legend>{modes.collect_view()}</fieldset>
            {accept}
            <div class="action-row">
                <button type="button" class=move || if tracker.needs_plan() { "button primary" } else { "button" } disabled=move || !is_ready() || is_busy()
                    on:click=move |_| tracker.plan()>"Plan the import"</button>
                <span class="muted">"Sends the file and compares it with the database. Nothing is written."</span>
            </div>
        </section>
    }
}

#[component]
fn ModeChoice(
    tracker: ImportTracker,
    mode: ImportMode,
    name: &'static str,
    explanation: &'static str,
) -> impl IntoView {
    let choose = move |_| {
        tracker.mode.set(mode);
        tracker.start_over();
    };
    view! {
        <label class="check">
            <input type="radio" name="mode" checked=move || tracker.mode.get() == mode on:change=choose />
            <span><strong>{name}</strong>" "<span class="muted">{explanation}</span></span>
        </label>
    }
}
