//! Checks a file in the browser: it is read slice by slice and never uploaded.

use gloo_file::File;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::check_file::{Problem, check as check_file};
use super::{CRUMBS, HERE};
use crate::model::text;
use crate::seal::Verified;
use crate::ui::browser::{dropped_file, picked_file};
use crate::ui::components::{Frame, Icon};

const NEEDS_SCRIPT: &str = "<p class=\"problem\">Checking in the browser needs JavaScript. \
    On the command line: <code>waybill verify FILE</code></p>";

/// What the page knows about the file in hand.
#[derive(Clone, PartialEq)]
enum Check {
    None,
    /// Without a percentage where the end is not known.
    Reading {
        name: String,
        percent: Option<u64>,
    },
    Whole {
        name: String,
        verified: Box<Verified>,
    },
    NotWhole {
        name: String,
        reason: String,
    },
    NotChecked {
        name: String,
        reason: &'static str,
    },
}

#[component]
pub fn VerifyPage() -> impl IntoView {
    let crumbs = [&CRUMBS[..], &[("Export", HERE)]].concat();
    view! { <Frame title="Verify a file" crumbs><Verify /></Frame> }
}

#[component]
fn Verify() -> impl IntoView {
    let check = RwSignal::new(Check::None);
    let over = RwSignal::new(false);
    let take = move |file: Option<File>| {
        over.set(false);
        if let Some(file) = file {
            spawn_local(read(file, check));
        }
    };
    view! {
        <section class="card panel">
            <p>"Choose an export to see what it is and whether it is whole. The file is read here, in your browser, and is not sent anywhere."</p>
            <label class="drop needs-js" class:over=move || over.get()
                on:dragover=move |event| { event.prevent_default(); over.set(true); }
                on:dragleave=move |_| over.set(false)
                on:drop=move |event| { event.prevent_default(); take(dropped_file(&event)); }
            >
                <Icon name="file-search" />
                <span>"Drop a file here, or "<strong>"choose one"</strong></span>
                <input type="file" accept=".json,.gz,application/json,application/gzip" on:change=move |event| take(picked_file(&event)) />
            </label>
            <noscript inner_html=NEEDS_SCRIPT></noscript>
        </section>
        <div role="status">{move || verdict(check.get())}</div>
    }
}

async fn read(file: File, check: RwSignal<Check>) {
    let name = file.name();
    let show = |percent| check.set(Check::Reading { name: name.clone(), percent });
    show(Some(0));
    let checked = check_file(file, show).await;
    check.set(match checked {
        Ok(verified) => Check::Whole { name, verified: Box::new(verified) },
        Err(Problem::NotWhole(reason)) => Check::NotWhole { name, reason },
        Err(Problem::NotChecked(reason)) => Check::NotChecked { name, reason },
    });
}

fn verdict(check: Check) -> impl IntoView {
    match check {
        Check::None => ().into_any(),
        Check::Reading { name, percent } => view! {
            <section class="card panel">
                <h2>"Checking "{name}</h2>
                {match percent {
                    Some(percent) => view! { <progress max="100" prop:value=percent aria-label="Progress"></progress> }.into_any(),
                    None => view! { <progress aria-label="Progress"></progress> }.into_any(),
                }}
            </section>
        }
        .into_any(),
        Check::Whole { name, verified } => view! { <Whole name verified=*verified /> }.into_any(),
        Check::NotChecked { name, reason } => view! {
            <section class="card panel">
                <h2><Icon name="triangle-alert" />"Not checked"</h2>
                <p><strong>{name}</strong>": "{reason}</p>
            </section>
        }
        .into_any(),
        Check::NotWhole { name, reason } => view! {
            <section class="card panel bad">
                <h2><Icon name="triangle-alert" />"Not whole"</h2>
                <p><strong>{name}</strong>": "{reason}"."</p>
                <p class="soft">"Delete the file and export again. No import will take it."</p>
            </section>
        }
        .into_any(),
    }
}

#[component]
fn Whole(name: String, verified: Verified) -> impl IntoView {
    let head = verified.head;
    let summary = format!(
        "{} in {}, {}.",
        text::counted(verified.records, "record"),
        text::counted(verified.tables, "table"),
        text::bytes(verified.bytes)
    );
    let origin = format!(
        "Exported {} UTC by {} from {} ({} {}).",
        text::minute(&head.exported_at),
        head.exported_by,
        head.source.name,
        head.source.engine,
        head.source.engine_version
    );
    let left_out = head.redaction.removed_fields.join(", ");
    let rows = head.record_counts.0.into_iter().map(|(table, records)| {
        view! { <tr><th scope="row">{table}</th><td class="number">{text::count(records)}</td></tr> }
    });
    view! {
        <section class="card panel good">
            <h2><Icon name="shield-check" />"Complete and unaltered"</h2>
            <p><strong>{name}</strong>": "{summary}</p>
            <p>{origin}</p>
            <p class="soft">"Left out: "{if left_out.is_empty() { "nothing".to_owned() } else { left_out }}</p>
            <p class="command"><span>"SHA-256"</span><code class="digest" tabindex="0" data-testid="sha256">{verified.sha256}</code></p>
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
