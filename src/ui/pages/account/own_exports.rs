//! A person's exports, newest first.

use leptos::prelude::*;

use super::strings;
use crate::model::export::{ExportSummary, RunState};
use crate::model::history::HistoryEntry;
use crate::model::{route, text};
use crate::ui::components::Icon;

#[component]
pub fn OwnExports(exports: Vec<HistoryEntry>) -> impl IntoView {
    if exports.is_empty() {
        return view! { <p class="muted">{strings::EARLIER_NONE}</p> }.into_any();
    }
    let rows = exports.into_iter().map(row).collect_view();
    view! { <section class="card panel" aria-label=strings::EARLIER><ul class="own-exports">{rows}</ul></section> }
        .into_any()
}

fn row(export: HistoryEntry) -> impl IntoView {
    let HistoryEntry { id, requested_at, state, downloadable, .. } = export;
    let download = downloadable.then(|| {
        let (file, until) = (route::with_id(route::EXPORT_FILE, id), kept_until(&state));
        view! {
            <a class="button small" href=file><Icon name="download" />{strings::DOWNLOAD}</a>
            <span class="muted">{until}</span>
        }
    });
    view! {
        <li>
            <strong>{text::to_minute(&requested_at)}" UTC"</strong>
            <span>{outcome(&state)}</span>
            {download}
        </li>
    }
}

fn outcome(state: &RunState) -> String {
    match state {
        RunState::Queued | RunState::Running(_) => strings::RUNNING.to_owned(),
        RunState::Completed(summary) => describe(summary),
        RunState::Expired(summary) => format!("{}. {}", describe(summary), strings::FILE_GONE),
        RunState::Failed { failure, .. } => format!("{}: {}", strings::FAILED, failure.message),
        RunState::Cancelled { .. } => strings::CANCELLED.to_owned(),
    }
}

/// "Complete: 342 records, 23 kB".
fn describe(summary: &ExportSummary) -> String {
    let (records, bytes) = (text::count_with_noun(summary.records, "record"), text::bytes(summary.bytes));
    format!("{}: {records}, {bytes}", summary.deviations.badge())
}

fn kept_until(state: &RunState) -> Option<String> {
    let RunState::Completed(summary) = state else { return None };
    summary.expires_at.as_deref().map(|at| format!("{} {} UTC", strings::UNTIL, text::clock_time(at)))
}
