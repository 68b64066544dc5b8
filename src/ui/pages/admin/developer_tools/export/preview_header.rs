//! When and how the preview was taken, and the button that takes a new one.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use super::preview_tracker::PreviewTracker;
use crate::model::preview::Preview;
use crate::model::text;
use crate::rpc::export::PreviewExport;
use crate::ui::components::text_signal;

#[component]
pub fn PreviewHeader(previews: PreviewTracker) -> impl IntoView {
    let preview = previews.preview;
    let refresh = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        previews.refresh();
    };
    let taken_at = text_signal(move || text::clock_time(&preview.read().taken_at).to_owned());
    let effect = text_signal(move || {
        let text = if preview.read().blocks_writers {
            "While an export runs, this database accepts no changes."
        } else {
            "Exporting does not block users."
        };
        text.to_owned()
    });
    view! {
        <form class="preview-header" method="post" action=PreviewExport::PATH on:submit=refresh>
            "Preview taken "<time>{taken_at}</time>
            " UTC from one consistent snapshot. "{effect}" "
            <PartField preview />
            <button class="link-button" name="refresh" value="true">"Refresh"</button>
        </form>
    }
}

/// Names the part in a form that is sent without script.
#[component]
pub fn PartField(preview: RwSignal<Preview>) -> impl IntoView {
    let query = text_signal(move || preview.read().part.as_ref().map(|part| part.query.clone()).unwrap_or_default());
    view! { <input type="hidden" name="part" value=query /> }
}
