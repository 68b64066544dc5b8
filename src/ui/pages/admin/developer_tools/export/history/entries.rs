//! The table of exports.

use leptos::prelude::*;

use crate::model::export::RunState;
use crate::model::history::HistoryEntry;
use crate::model::{route, text};
use crate::ui::components::Icon;

/// `scope`: what all of them are of, in words; without it, each says its own.
#[component]
pub fn Entries(entries: Vec<HistoryEntry>, #[prop(optional, into)] scope: Option<String>) -> impl IntoView {
    let rows = entries.into_iter().map(move |entry| view! { <Entry entry scope=scope.clone() /> }).collect_view();
    view! {
        <section class="card scroll" tabindex="0" role="group" aria-label="Exports">
            <table class="log-table">
                <caption class="visually-hidden">"Exports, newest first. Times are UTC."</caption>
                <thead><tr>
                    <th scope="col">"When (UTC)"</th>
                    <th scope="col">"Who"</th>
                    <th scope="col">"Scope"</th>
                    <th scope="col">"Status"</th>
                    <th scope="col" class="number">"Records"</th>
                    <th scope="col" class="number">"Size"</th>
                    <th scope="col" class="number">"Duration"</th>
                </tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </section>
    }
}

#[component]
fn Entry(entry: HistoryEntry, scope: Option<String>) -> impl IntoView {
    let summary = entry.state.summary();
    let records = summary.map_or("–".into(), |summary| text::count(summary.records));
    let bytes = summary.map_or("–".into(), |summary| text::bytes(summary.bytes));
    let estimated = entry.estimated_bytes.filter(|_| summary.is_some());
    let estimated = estimated.map(|bytes| format!("estimated {}", text::bytes(bytes)));
    let scope = scope.map_or_else(|| own_scope(&entry), IntoAny::into_any);
    let duration = entry.state.duration_ms().map_or("–".into(), text::duration);
    view! {
        <tr>
            <td><time>{text::to_minute(&entry.requested_at)}</time></td>
            <td>{entry.requested_by.clone()}<span class="detail">{format!("from the {}", entry.channel.as_str())}</span></td>
            <td>{scope}</td>
            <td><Outcome entry /></td>
            <td class="number">{records}</td>
            <td class="number">{bytes}<span class="detail">{estimated}</span></td>
            <td class="number">{duration}</td>
        </tr>
    }
}

fn own_scope(entry: &HistoryEntry) -> AnyView {
    let selection = entry.selection.iter().map(|line| view! { <span class="detail">{line.clone()}</span> });
    view! { {entry.export_type.as_str()}{selection.collect_view()} }.into_any()
}

/// How the export ended, and what is left of it.
#[component]
fn Outcome(entry: HistoryEntry) -> impl IntoView {
    let (badge_class, status) = badge(&entry.state);
    let download_link = entry.downloadable.then(|| {
        let file = route::with_id(route::EXPORT_FILE, entry.id);
        view! { <a class="button small" href=file><Icon name="download" />"Download"</a> }
    });
    let downloads = (entry.downloads > 0).then(|| text::count_with_noun(entry.downloads, "download"));
    view! {
        <span class=badge_class>{status}</span>" "{download_link}
        {outcome_details(entry.state, downloads)}
    }
}

fn outcome_details(state: RunState, downloads: Option<String>) -> AnyView {
    match state {
        RunState::Completed(summary) | RunState::Expired(summary) => {
            let deviations = summary.deviations.lines().into_iter();
            let deviations = deviations.map(|line| view! { <span class="detail">{text::to_sentence(&line)}</span> });
            view! {
                {deviations.collect_view()}
                <span class="detail">{downloads}</span>
                <span class="detail">"Seal "<code class="full-digest">{summary.sha256}</code></span>
            }
            .into_any()
        }
        RunState::Failed { failure, .. } => view! { <span class="detail">{failure.message}</span> }.into_any(),
        RunState::Queued | RunState::Running(_) | RunState::Cancelled { .. } => ().into_any(),
    }
}

/// The class and the text of an export's badge.
fn badge(state: &RunState) -> (&'static str, &'static str) {
    match state {
        RunState::Queued => ("badge queued", "Queued"),
        RunState::Running(_) => ("badge running", "Running"),
        RunState::Completed(summary) | RunState::Expired(summary) if !summary.deviations.is_as_expected() => {
            ("badge drifted", summary.deviations.badge())
        }
        RunState::Completed(_) | RunState::Expired(_) => ("badge completed", "Complete"),
        RunState::Failed { .. } => ("badge failed", "Failed"),
        RunState::Cancelled { .. } => ("badge cancelled", "Cancelled"),
    }
}
