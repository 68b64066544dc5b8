//! Takes a file that is chosen or dropped.

use leptos::prelude::*;
use web_sys::File;

use crate::ui::browser::{dropped_file, picked_file};
use crate::ui::components::Icon;

#[component]
pub fn DropZone(on_file: Callback<File>) -> impl IntoView {
    let is_dragging = RwSignal::new(false);
    let take = move |file: Option<File>| {
        is_dragging.set(false);
        if let Some(file) = file {
            on_file.run(file);
        }
    };
    view! {
        <label class="drop-zone needs-js" class:is-dragging=move || is_dragging.get()
            on:dragover=move |event| { event.prevent_default(); is_dragging.set(true); }
            on:dragleave=move |_| is_dragging.set(false)
            on:drop=move |event| { event.prevent_default(); take(dropped_file(&event)); }
        >
            <Icon name="file-search" />
            <span>"Drop a file here, or "<strong>"choose one"</strong></span>
            <input type="file" autocomplete="off" accept=".json,.gz,.tgz,.zst,application/json,application/gzip,application/zstd" on:change=move |event| take(picked_file(&event)) />
        </label>
    }
}
