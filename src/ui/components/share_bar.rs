//! A bar that shows a share, beside the number it stands for.

use leptos::prelude::*;

/// `part` of `whole`. Attributes instead of styles: the page's policy allows no inline style.
#[component]
pub fn ShareBar(part: u64, whole: u64) -> impl IntoView {
    #[expect(clippy::cast_precision_loss, reason = "a bar is 100 pixels wide")]
    let share = if whole == 0 { 0.0 } else { part as f64 / whole as f64 * 100.0 };
    // Something is not nothing: the smallest share still shows.
    let width = if part == 0 { 0.0 } else { share.max(0.8) };
    view! {
        <svg class="share-bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
            <rect width=format!("{width:.1}") height="8" rx="1"></rect>
        </svg>
    }
}
