//! A button that copies text to the clipboard and reports the result.

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::ui::browser;

/// `object` completes "Copy …" for screen readers.
#[component]
pub fn CopyButton(#[prop(into)] text: Signal<String>, object: &'static str) -> impl IntoView {
    let label = RwSignal::new("Copy");
    let copy = move |_| {
        spawn_local(async move {
            let copied = browser::copy_to_clipboard(&text.get_untracked()).await;
            label.set(if copied { "Copied" } else { "Select and copy by hand" });
            gloo_timers::future::TimeoutFuture::new(2_000).await;
            label.set("Copy");
        });
    };
    view! {
        <button type="button" class="button small needs-js" on:click=copy>
            <span aria-live="polite">{label}</span>
            <span class="visually-hidden">" "{object}</span>
        </button>
    }
}
