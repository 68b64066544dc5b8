//! The progress of a running export.

use leptos::prelude::*;

use super::progress_figures::Figures;
use super::run_tracker::RunTracker;
use crate::model::export::ExportId;
use crate::model::route;
use crate::ui::browser;
use crate::ui::components::text_signal;

/// Without JavaScript the page reloads every second. A constant, because `view!` treats a literal
/// `inner_html` as an ordinary attribute.
pub const RELOAD_META: &str = "<meta http-equiv=\"refresh\" content=\"1\">";

#[component]
pub fn ProgressPanel(id: ExportId, tracker: RunTracker) -> impl IntoView {
    let figures = Memo::new(move |_| tracker.run.read().as_ref().map(Figures::of_run));
    let figure = move |get: fn(Figures) -> String| text_signal(move || figures.get().map_or_else(String::new, get));
    let percent = Signal::derive(move || figures.get().map_or(0, |figures| figures.percent));
    view! {
        <section class="card panel running" aria-label="Export in progress">
            <h2>{figure(|figures| figures.title)}</h2>
            <progress max="100" prop:value=percent value=percent aria-label="Progress"></progress>
            <div class="progress-stats">
                <p><span>"Records"</span>" "{figure(|figures| figures.records)}</p>
                <p><span>"Written"</span>" "{figure(|figures| figures.written)}</p>
                <p><span>"Rate"</span>" "{figure(|figures| figures.rate)}</p>
                <p><span>"Time left"</span>" "{figure(|figures| figures.time_left)}</p>
                <CancelForm id />
            </div>
        </section>
        <noscript inner_html=RELOAD_META></noscript>
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
