//! The table of exports.

use leptos::prelude::*;

use crate::model::history::{HistoryEntry, RunStatus};
use crate::model::{route, text};
use crate::ui::components::Icon;

#[component]
pub fn Entries(entries: Vec<HistoryEntry>) -> impl IntoView {
    let rows = entries.into_iter().map(|entry| view! { <Entry entry /> }).collect_view();
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
fn Entry(entry: HistoryEntry) -> impl IntoView {
    let estimated =
        entry.estimated_bytes.zip(entry.bytes).map(|(estimated, _)| format!("estimated {}", text::bytes(estimated)));
    view! {
        <tr>
            <td><time>{text::to_minute(&entry.requested_at)}</time></td>
            <td>{entry.requested_by.clone()}<span class="detail">{format!("from the {}", entry.channel.as_str())}</span></td>
            <td>{entry.scope.clone()}</td>
            <td><Outcome entry=entry.clone() /></td>
            <td class="number">{entry.records.map_or("–".into(), text::count)}</td>
            <td class="number">{entry.bytes.map_or("–".into(), text::bytes)}<span class="detail">{estimated}</span></td>
            <td class="number">{entry.duration_ms.map_or("–".into(), text::duration)}</td>
        </tr>
    }
}

/// How the export ended, and what is left of it.
#[component]
fn Outcome(entry: HistoryEntry) -> impl IntoView {
    let (badge_class, status) = badge(&entry);
    let download_link = entry.downloadable.then(|| {
        let file = route::with_id(route::EXPORT_FILE, entry.id);
        view! { <a class="button small" href=file><Icon name="download" />"Download"</a> }
    });
    let deviations = entry.deviations.lines().into_iter();
    let deviations = deviations.map(|line| view! { <span class="detail">{text::to_sentence(&line)}</span> });
    let downloads = (entry.downloads > 0).then(|| text::count_with_noun(entry.downloads, "download"));
    let digest = entry
        .sha256
        .map(|digest| view! { <span class="detail">"Seal "<code class="full-digest">{digest}</code></span> });
    view! {
        <span class=badge_class>{status}</span>" "{download_link}
        {deviations.collect_view()}
        <span class="detail">{entry.message.or(downloads)}</span>
        {digest}
    }
}

/// The class and the text of an export's badge.
fn badge(entry: &HistoryEntry) -> (String, &'static str) {
    let text = match entry.status {
        RunStatus::Completed if entry.deviations.has_drifted() => {
            return ("badge drifted".to_owned(), "Complete, with drift");
        }
        RunStatus::Queued => "Queued",
        RunStatus::Running => "Running",
        RunStatus::Completed => "Complete",
        RunStatus::Failed => "Failed",
        RunStatus::Cancelled => "Cancelled",
    };
    (format!("badge {}", entry.status.as_str()), text)
}
