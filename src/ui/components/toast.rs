//! Toasts: short messages in the corner that disappear after a while. The page shows the same information.

use leptos::prelude::*;
use leptos::task::spawn_local;

const DISPLAY_MS: u32 = 8_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toast {
    pub is_success: bool,
    pub text: String,
}

/// Shows the newest toast. The live region is rendered from the start: screen readers miss the first message of
/// a region that is added together with it.
#[component]
pub fn ToastRegion(toast: RwSignal<Option<Toast>>) -> impl IntoView {
    Effect::new(move || {
        let Some(shown) = toast.get() else { return };
        spawn_local(async move {
            gloo_timers::future::TimeoutFuture::new(DISPLAY_MS).await;
            if toast.get_untracked().as_ref() == Some(&shown) {
                toast.set(None);
            }
        });
    });
    let content = move || {
        toast.get().map(|Toast { is_success, text }| {
            view! {
                <div class="toast" class:is-success=is_success class:is-error=!is_success>
                    <p>{text}</p>
                    <button type="button" class="button small" on:click=move |_| toast.set(None)>"Close"</button>
                </div>
            }
        })
    };
    view! { <div class="toasts" role="status">{content}</div> }
}
