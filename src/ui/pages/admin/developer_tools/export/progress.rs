//! The progress of a running export.

use leptos::prelude::*;

use super::progress_figures::{percent, rate, time_left};
use super::run_tracker::RunTracker;
use crate::model::export::{ExportId, Progress, RunState};
use crate::model::{route, text};
use crate::ui::browser;
use crate::ui::components::text_signal;

/// Without JavaScript the page reloads every second. A constant, because `view!` treats a literal
/// `inner_html` as an ordinary attribute.
const RELOAD_META: &str = "<meta http-equiv=\"refresh\" content=\"1\">";

#[component]
pub fn ProgressPanel(id: ExportId, tracker: RunTracker) -> impl IntoView {
    // A queued run has not begun to count.
    let progress = Memo::new(move |_| match tracker.run.read().as_ref().map(|run| &run.state) {
        Some(RunState::Running(progress)) => progress.clone(),
        _ => Progress::default(),
    });
    let title = text_signal(move || match progress.read().table.as_str() {
        "" => "Counting records".to_owned(),
        table => format!("Exporting {table}"),
    });
    let percent = Signal::derive(move || percent(&progress.read()));
    view! {
        <section class="card panel running" aria-label="Export in progress">
            <h2>{title}</h2>
            <progress max="100" prop:value=percent value=percent aria-label="Progress"></progress>
            <div class="progress-stats">
                <Figures progress />
                <CancelForm id />
            </div>
        </section>
        <noscript inner_html=RELOAD_META></noscript>
    }
}

#[component]
fn Figures(progress: Memo<Progress>) -> impl IntoView {
    let records = text_signal(move || {
        let progress = progress.read();
        format!("{} of {}", text::count(progress.records), text::count(progress.total_records))
    });
    let written = text_signal(move || text::bytes(progress.read().bytes));
    let rate = text_signal(move || rate(&progress.read()));
    let left = text_signal(move || time_left(&progress.read()));
    view! {
        <p><span>"Records"</span>" "{records}</p>
        <p><span>"Written"</span>" "{written}</p>
        <p><span>"Rate"</span>" "{rate}</p>
        <p><span>"Time left"</span>" "{left}</p>
    }
}

#[component]
fn CancelForm(id: ExportId) -> impl IntoView {
    let cancel = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        browser::request_cancellation(id);
    };
    let action = route::with_id(route::EXPORT_CANCELLATION, id);
    view! { <form method="post" action=action on:submit=cancel><button class="button">"Cancel"</button></form> }
}
