//! The verify page: checks a file in the browser, in a Web Worker; the file is never uploaded.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use leptos::prelude::*;
use leptos::task::spawn_local;
use web_sys::File;

use super::breadcrumbs::below_export;
use crate::model::history::{FileRecognition, KnownExport};
use crate::model::text;
use crate::rpc::history::recognise_file;
use crate::seal::{CheckUpdate, Verified, VerifyError};
use crate::ui::browser::{check_file, dropped_file, picked_file, verify_signature};
use crate::ui::components::{Icon, Layout};

const NOSCRIPT_HINT: &str = "<p class=\"form-error\">Checking in the browser needs JavaScript. \
    On the command line: <code>waybill verify FILE</code></p>";

const UNKNOWN_KEY: &str = "The file matches its seal. It is signed with a key that this installation has never used: \
    check it with its maker's public key (waybill verify --key).";
const NOT_SIGNED: &str = "The file matches its seal. It is not signed, so nothing proves who made it, or that it was not \
    changed and sealed again.";
const KEYS_UNAVAILABLE: &str = "The file matches its seal. The console's own keys could not be looked up: \
    sign in and choose the file again.";
const NOT_CHECKED: &str = "The file matches its seal. This browser cannot check the signature: \
    use waybill verify on the command line.";

/// The state of checking the chosen file.
#[derive(Clone, PartialEq)]
enum CheckState {
    Idle,
    Checking { name: String, percent: u64 },
    Valid { name: String, verified: Box<Verified>, signature: SignatureStatus, export: Option<KnownExport> },
    Invalid { name: String, reason: String },
    NotChecked { name: String, reason: String },
}

/// The result of checking the file's signature.
#[derive(Clone, Copy, PartialEq)]
enum SignatureStatus {
    /// Signed with a key of this installation: the file is unaltered.
    OwnKey,
    UnknownKey,
    Missing,
    NotChecked,
    /// The console's keys could not be looked up.
    KeysUnavailable,
}

#[component]
pub fn VerifyPage() -> impl IntoView {
    view! { <Layout title="Verify a file" crumbs=below_export()><VerifyPanel /></Layout> }
}

#[component]
fn VerifyPanel() -> impl IntoView {
    let state = RwSignal::new(CheckState::Idle);
    let is_dragging = RwSignal::new(false);
    // Results for a file are ignored once a later one is chosen.
    let latest_check = Arc::new(AtomicU64::new(0));
    let start_check = move |file: Option<File>| {
        is_dragging.set(false);
        let Some(file) = file else { return };
        let number = latest_check.fetch_add(1, Ordering::Relaxed) + 1;
        let (name, newest) = (file.name(), latest_check.clone());
        state.set(CheckState::Checking { name: name.clone(), percent: 0 });
        let on_report = move |report| {
            let (name, newest) = (name.clone(), newest.clone());
            spawn_local(async move {
                let next_state = evaluate(name, report).await;
                if newest.load(Ordering::Relaxed) == number {
                    state.set(next_state);
                }
            });
        };
        check_file(&file, on_report);
    };
    let (drop_file, pick_file) = (start_check.clone(), start_check);
    view! {
        <section class="card panel">
            <p>"Choose an exported file to see what it contains, whether it is complete, and whether this console made it. The file is read in your browser and not uploaded; only the digest of its seal is looked up."</p>
            <label class="drop-zone needs-js" class:is-dragging=move || is_dragging.get()
                on:dragover=move |event| { event.prevent_default(); is_dragging.set(true); }
                on:dragleave=move |_| is_dragging.set(false)
                on:drop=move |event| { event.prevent_default(); drop_file(dropped_file(&event)); }
            >
                <Icon name="file-search" />
                <span>"Drop a file here, or "<strong>"choose one"</strong></span>
                <input type="file" accept=".json,.gz,.zst,application/json,application/gzip,application/zstd" on:change=move |event| pick_file(picked_file(&event)) />
            </label>
            <noscript inner_html=NOSCRIPT_HINT></noscript>
        </section>
        <div role="status">{move || render_state(state.get())}</div>
    }
}

/// Turns a report of the check into page state; looks up a valid file and its signing key on this console.
async fn evaluate(name: String, check: CheckUpdate) -> CheckState {
    let verified = match check {
        CheckUpdate::Progress { percent } => return CheckState::Checking { name, percent },
        CheckUpdate::Invalid(reason) => return CheckState::Invalid { name, reason },
        CheckUpdate::NotChecked(reason) => return CheckState::NotChecked { name, reason },
        CheckUpdate::Valid(verified) => verified,
    };
    let recognised = recognise_file(verified.sha256.clone()).await.ok();
    let has_keys = recognised.is_some();
    let FileRecognition { keys, export } = recognised.unwrap_or_default();
    let signature = match &verified.signature {
        None => SignatureStatus::Missing,
        Some(signed) => match verify_signature(signed).await {
            Some(false) => return CheckState::Invalid { name, reason: VerifyError::InvalidSignature.to_string() },
            Some(true) if keys.contains(&signed.signature.key) => SignatureStatus::OwnKey,
            Some(true) if !has_keys => SignatureStatus::KeysUnavailable,
            Some(true) => SignatureStatus::UnknownKey,
            None => SignatureStatus::NotChecked,
        },
    };
    CheckState::Valid { name, verified, signature, export }
}

fn render_state(known: CheckState) -> impl IntoView {
    match known {
        CheckState::Idle => ().into_any(),
        CheckState::Checking { name, percent } => view! {
            <section class="card panel">
                <h2>"Checking "{name}</h2>
                <progress max="100" prop:value=percent aria-label="Progress"></progress>
            </section>
        }
        .into_any(),
        CheckState::Valid { name, verified, signature, export } => {
            view! { <ValidFile name verified=*verified signature export /> }.into_any()
        }
        CheckState::NotChecked { name, reason } => view! {
            <section class="card panel">
                <h2><Icon name="triangle-alert" />"Not checked"</h2>
                <p><strong>{name}</strong>": "{reason}</p>
            </section>
        }
        .into_any(),
        CheckState::Invalid { name, reason } => view! {
            <section class="card panel is-error">
                <h2><Icon name="triangle-alert" />"Verification failed"</h2>
                <p><strong>{name}</strong>": "{reason}"."</p>
                <p class="muted">"If this should be an export, copy or download it again, or export again."</p>
            </section>
        }
        .into_any(),
    }
}

#[component]
fn ValidFile(
    name: String,
    verified: Verified,
    signature: SignatureStatus,
    export: Option<KnownExport>,
) -> impl IntoView {
    let head = verified.metadata;
    let summary = format!(
        "{} in {}, {}.",
        text::count_with_noun(verified.records, "record"),
        text::count_with_noun(verified.tables, "table"),
        text::bytes(verified.bytes)
    );
    let origin = format!(
        "Exported {} UTC from {} ({} {}).",
        text::to_minute(&head.exported_at),
        head.source.name,
        head.source.engine,
        head.source.engine_version
    );
    // One installation may serve several databases with different admins, so the export may be in another history.
    let own_text = if export.is_some() {
        "Signed by this console."
    } else {
        "It is signed with this installation's key, but is not in the history that you can see: it may be from another database."
    };
    let known = export.map(|KnownExport { requested_by, requested_at }| {
        format!(" It is the export that {requested_by} requested on {} UTC.", text::to_minute(&requested_at))
    });
    let is_own = signature == SignatureStatus::OwnKey;
    let (class, icon) = if is_own { ("card panel is-success", "shield-check") } else { ("card panel", "file-search") };
    let heading = if is_own { "Complete and unaltered" } else { "Complete" };
    let signature_text = match signature {
        SignatureStatus::OwnKey => own_text,
        SignatureStatus::UnknownKey => UNKNOWN_KEY,
        SignatureStatus::Missing => NOT_SIGNED,
        SignatureStatus::KeysUnavailable => KEYS_UNAVAILABLE,
        SignatureStatus::NotChecked => NOT_CHECKED,
    };
    let left_out = head.redaction.removed_fields.join(", ");
    let rows = head.record_counts.0.into_iter().map(|(table, records)| {
        view! { <tr><th scope="row">{table}</th><td class="number">{text::count(records)}</td></tr> }
    });
    view! {
        <section class=class aria-label="Result">
            <h2><Icon name=icon />{heading}</h2>
            <p><strong>{name}</strong>": "{summary}</p>
            <p>{signature_text}{known}</p>
            <p>{origin}</p>
            <p class="muted">"Left out: "{if left_out.is_empty() { "nothing".to_owned() } else { left_out }}</p>
            <p class="command"><span>"Seal"</span><code tabindex="0" data-testid="sha256">{verified.sha256}</code></p>
        </section>
        <section class="card">
            <table class="tables">
                <caption class="visually-hidden">"Tables in the file"</caption>
                <thead><tr><th scope="col">"Table"</th><th scope="col" class="number">"Records"</th></tr></thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </section>
    }
}
