//! The progress of a running export.

use leptos::prelude::*;

use super::run_tracker::{RunTracker, percent};
use crate::model::export::{Progress, RunState};
use crate::model::{route, text};
use crate::ui::browser;
use crate::ui::components::text_signal;

/// Without JavaScript the page reloads every second. A constant, because `view!` treats a literal
/// `inner_html` as an ordinary attribute.
const RELOAD_META: &str = "<meta http-equiv=\"refresh\" content=\"1\">";

#[component]
pub fn ProgressPanel(tracker: RunTracker) -> impl IntoView {
    let progress = Memo::new(move |_| match tracker.run.read().as_ref().map(|run| run.state.clone()) {
        Some(RunState::Running(progress)) => progress,
        _ => Progress::default(),
    });
    let id = tracker.run.read_untracked().as_ref().map(|run| run.id);
    let action = id.map(|id| route::with_id(route::EXPORT_CANCELLATION, id)).unwrap_or_default();
    let cancel = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        if let Some(id) = id {
            browser::request_cancellation(id);
        }
    };
    let title = text_signal(move || match progress.read().table.as_str() {
        "" => "Counting records".to_owned(),
        table => format!("Exporting {table}"),
    });
    let records = text_signal(move || {
        let progress = progress.read();
        format!("{} of {}", text::count(progress.records), text::count(progress.total_records))
    });
    let written = text_signal(move || text::bytes(progress.read().bytes));
    let rate = text_signal(move || rate(&progress.read()));
    let left = text_signal(move || time_left(&progress.read()));
    let percent = Signal::derive(move || percent(&progress.read()));
    view! {
        <section class="card panel running" aria-label="Export in progress">
            <h2>{title}</h2>
            <progress max="100" prop:value=percent value=percent aria-label="Progress"></progress>
            <div class="progress-stats">
                <p><span>"Records"</span>" "{records}</p>
                <p><span>"Written"</span>" "{written}</p>
                <p><span>"Rate"</span>" "{rate}</p>
                <p><span>"Time left"</span>" "{left}</p>
                <form method="post" action=action on:submit=cancel><button class="button">"Cancel"</button></form>
            </div>
        </section>
        <noscript inner_html=RELOAD_META></noscript>
    }
}

fn bytes_per_second(progress: &Progress) -> u64 {
    (progress.bytes * 1000).checked_div(progress.elapsed_ms).unwrap_or_default()
}

fn rate(progress: &Progress) -> String {
    format!("{}/s", text::bytes(bytes_per_second(progress)))
}

fn time_left(progress: &Progress) -> String {
    let remaining = progress.estimated_bytes.saturating_sub(progress.bytes);
    match (remaining * 1000).checked_div(bytes_per_second(progress)) {
        None => "…".into(),
        Some(0..1000) => "less than a second".into(),
        Some(ms) => text::approximate_duration(ms),
    }
}
