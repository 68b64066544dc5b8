//! When and how the preview was taken, and the button that takes a new one.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos::task::spawn_local;

use super::preview_polling::take_preview;
use crate::model::preview::Preview;
use crate::model::text;
use crate::rpc::export::PreviewExport;
use crate::ui::components::{Toast, text_signal};

#[component]
pub fn PreviewHeader(preview: RwSignal<Preview>, toast: RwSignal<Option<Toast>>) -> impl IntoView {
    let refresh = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        spawn_local(take_preview(preview, toast));
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
            <button class="link-button" name="refresh" value="true">"Refresh"</button>
        </form>
    }
}
