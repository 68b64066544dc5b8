//! The verify page: checks a file in the browser, in a Web Worker; the file is never uploaded.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use leptos::prelude::*;
use leptos::task::spawn_local;
use web_sys::File;

use super::{CRUMBS, HERE};
use crate::model::history::{KnownExport, Recognised};
use crate::model::text;
use crate::rpc::history::recognise_file;
use crate::seal::{Check, Flaw, Verified};
use crate::ui::browser::{check, dropped_file, is_signed, picked_file};
use crate::ui::components::{Frame, Icon};

const NEEDS_SCRIPT: &str = "<p class=\"problem\">Checking in the browser needs JavaScript. \
    On the command line: <code>waybill verify FILE</code></p>";

const UNTRUSTED: &str = "It matches its own seal. It is signed with a key that this installation has never used: \
    hold it against the key of whoever made it (waybill verify --key).";
const NOT_SIGNED: &str = "It matches its own seal. It is not signed, so nobody says who made it or that it was not \
    sealed again.";
const NOT_ASKED: &str = "It matches its own seal. The console did not answer whether the signature is its own: \
    sign in and choose the file again.";
const NOT_CHECKED: &str = "It matches its own seal. This browser cannot check its signature here: waybill verify on \
    the command line can.";

/// The state of checking the chosen file.
#[derive(Clone, PartialEq)]
enum Known {
    Nothing,
    Reading { name: String, percent: u64 },
    Whole { name: String, verified: Box<Verified>, signature: Signature, export: Option<KnownExport> },
    NotWhole { name: String, reason: String },
    NotChecked { name: String, reason: String },
}

/// The result of checking the file's signature.
#[derive(Clone, Copy, PartialEq)]
enum Signature {
    /// Signed with a key of this installation: the file is unaltered.
    Own,
    Untrusted,
    Missing,
    NotChecked,
    /// The console's keys could not be looked up.
    NotAsked,
}

#[component]
pub fn VerifyPage() -> impl IntoView {
    let crumbs = [&CRUMBS[..], &[("Export", HERE)]].concat();
    view! { <Frame title="Verify a file" crumbs><Verify /></Frame> }
}

#[component]
fn Verify() -> impl IntoView {
    let known = RwSignal::new(Known::Nothing);
    let over = RwSignal::new(false);
    // Results for a file are ignored once a later one is chosen.
    let newest = Arc::new(AtomicU64::new(0));
    let take = move |file: Option<File>| {
        over.set(false);
        let Some(file) = file else { return };
        let number = newest.fetch_add(1, Ordering::Relaxed) + 1;
        let (name, newest) = (file.name(), newest.clone());
        known.set(Known::Reading { name: name.clone(), percent: 0 });
        let tell = move |said| {
            let (name, newest) = (name.clone(), newest.clone());
            spawn_local(async move {
                let now = judge(name, said).await;
                if newest.load(Ordering::Relaxed) == number {
                    known.set(now);
                }
            });
        };
        check(&file, tell);
    };
    let (drop_file, pick_file) = (take.clone(), take);
    view! {
        <section class="card panel">
            <p>"Choose an export to see what it is, whether it is whole, and whether this console made it. The file is read here, in your browser, and is not sent anywhere; only the digest of its seal is looked up."</p>
            <label class="drop needs-js" class:over=move || over.get()
                on:dragover=move |event| { event.prevent_default(); over.set(true); }
                on:dragleave=move |_| over.set(false)
                on:drop=move |event| { event.prevent_default(); drop_file(dropped_file(&event)); }
            >
                <Icon name="file-search" />
                <span>"Drop a file here, or "<strong>"choose one"</strong></span>
                <input type="file" accept=".json,.gz,.zst,application/json,application/gzip,application/zstd" on:change=move |event| pick_file(picked_file(&event)) />
            </label>
            <noscript inner_html=NEEDS_SCRIPT></noscript>
        </section>
        <div role="status">{move || verdict(known.get())}</div>
    }
}

/// Turns a report of the check into page state; looks up a valid file and its signing key on this console.
async fn judge(name: String, check: Check) -> Known {
    let verified = match check {
        Check::Read { percent } => return Known::Reading { name, percent },
        Check::NotWhole(reason) => return Known::NotWhole { name, reason },
        Check::NotChecked(reason) => return Known::NotChecked { name, reason },
        Check::Whole(verified) => verified,
    };
    let recognised = recognise_file(verified.sha256.clone()).await.ok();
    let was_asked = recognised.is_some();
    let Recognised { keys, export } = recognised.unwrap_or_default();
    let signature = match &verified.signed {
        None => Signature::Missing,
        Some(signed) => match is_signed(signed).await {
            Some(false) => return Known::NotWhole { name, reason: Flaw::Signature.to_string() },
            Some(true) if keys.contains(&signed.signature.key) => Signature::Own,
            Some(true) if !was_asked => Signature::NotAsked,
            Some(true) => Signature::Untrusted,
            None => Signature::NotChecked,
        },
    };
    Known::Whole { name, verified, signature, export }
}

fn verdict(known: Known) -> impl IntoView {
    match known {
        Known::Nothing => ().into_any(),
        Known::Reading { name, percent } => view! {
            <section class="card panel">
                <h2>"Checking "{name}</h2>
                <progress max="100" prop:value=percent aria-label="Progress"></progress>
            </section>
        }
        .into_any(),
        Known::Whole { name, verified, signature, export } => {
            view! { <Whole name verified=*verified signature export /> }.into_any()
        }
        Known::NotChecked { name, reason } => view! {
            <section class="card panel">
                <h2><Icon name="triangle-alert" />"Not checked"</h2>
                <p><strong>{name}</strong>": "{reason}</p>
            </section>
        }
        .into_any(),
        Known::NotWhole { name, reason } => view! {
            <section class="card panel bad">
                <h2><Icon name="triangle-alert" />"Not whole"</h2>
                <p><strong>{name}</strong>": "{reason}"."</p>
                <p class="soft">"If it should be an export, get it again from where it came, or export again."</p>
            </section>
        }
        .into_any(),
    }
}

#[component]
fn Whole(name: String, verified: Verified, signature: Signature, export: Option<KnownExport>) -> impl IntoView {
    let head = verified.head;
    let summary = format!(
        "{} in {}, {}.",
        text::counted(verified.records, "record"),
        text::counted(verified.tables, "table"),
        text::bytes(verified.bytes)
    );
    let origin = format!(
        "Exported {} UTC from {} ({} {}).",
        text::minute(&head.exported_at),
        head.source.name,
        head.source.engine,
        head.source.engine_version
    );
    // One installation may serve several databases with different admins, so the export may be in another history.
    let own = if export.is_some() {
        "This console has signed it."
    } else {
        "It is signed with this installation's key, but the history that you may see has no such export: it may be another database's."
    };
    let known = export.map(|KnownExport { requested_by, requested_at }| {
        format!(" It is the export that {requested_by} asked for on {} UTC.", text::minute(&requested_at))
    });
    let is_own = signature == Signature::Own;
    let (look, icon) = if is_own { ("card panel good", "shield-check") } else { ("card panel", "file-search") };
    let heading = if is_own { "Whole and unaltered" } else { "Whole" };
    let vouched = match signature {
        Signature::Own => own,
        Signature::Untrusted => UNTRUSTED,
        Signature::Missing => NOT_SIGNED,
        Signature::NotAsked => NOT_ASKED,
        Signature::NotChecked => NOT_CHECKED,
    };
    let left_out = head.redaction.removed_fields.join(", ");
    let rows = head.record_counts.0.into_iter().map(|(table, records)| {
        view! { <tr><th scope="row">{table}</th><td class="number">{text::count(records)}</td></tr> }
    });
    view! {
        <section class=look aria-label="Result">
            <h2><Icon name=icon />{heading}</h2>
            <p><strong>{name}</strong>": "{summary}</p>
            <p>{vouched}{known}</p>
            <p>{origin}</p>
            <p class="soft">"Left out: "{if left_out.is_empty() { "nothing".to_owned() } else { left_out }}</p>
            <p class="command"><span>"Seal"</span><code class="digest" tabindex="0" data-testid="sha256">{verified.sha256}</code></p>
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
