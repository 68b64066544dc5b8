//! Asks the server for the preview until every table is counted and measured. A failure ends that, and is shown as a toast.

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::model::preview::Preview;
use crate::rpc::export::preview_export;
use crate::ui::components::Toast;

const INTERVAL_MS: u32 = 400;

/// Completes the preview that the page was rendered with. Effects run in the browser only.
pub fn poll_preview(preview: RwSignal<Preview>, toast: RwSignal<Option<Toast>>) {
    Effect::new(move || {
        if !preview.get_untracked().settled {
            spawn_local(poll_until_settled(preview, toast));
        }
    });
}

/// Has a new preview taken, and completes it.
pub async fn take_preview(preview: RwSignal<Preview>, toast: RwSignal<Option<Toast>>) {
    if update(preview, toast, true).await {
        poll_until_settled(preview, toast).await;
    }
}

async fn poll_until_settled(preview: RwSignal<Preview>, toast: RwSignal<Option<Toast>>) {
    while !preview.get_untracked().settled {
        gloo_timers::future::TimeoutFuture::new(INTERVAL_MS).await;
        if !update(preview, toast, false).await {
            return;
        }
    }
}

/// Returns false if the server has sent no preview.
async fn update(preview: RwSignal<Preview>, toast: RwSignal<Option<Toast>>, refresh: bool) -> bool {
    match preview_export(refresh).await {
        Ok(newer) => {
            preview.set(newer);
            true
        }
        Err(error) => {
            toast.set(Some(Toast { is_success: false, text: error.to_string() }));
            false
        }
    }
}
