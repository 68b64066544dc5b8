//! A bar that shows a share, beside the number it stands for.

use leptos::prelude::*;

/// `part` of `whole`. Attributes instead of styles: the page's policy allows no inline style.
#[component]
pub fn ShareBar(part: u64, whole: u64) -> impl IntoView {
    let share = (u128::from(part) * 1000).checked_div(u128::from(whole)).unwrap_or_default();
    // Something is not nothing: the smallest share still shows.
    let width = if part == 0 { 0 } else { share.max(8) };
    view! {
        <svg class="share-bar" viewBox="0 0 1000 8" preserveAspectRatio="none" aria-hidden="true">
            <rect width=width.to_string() height="8"></rect>
        </svg>
    }
}
