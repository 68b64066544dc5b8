//! A bar that draws a value as a share of a total, beside the number itself.

use leptos::prelude::*;

/// Draws `part` of `total`. Sized by attributes: the Content-Security-Policy allows no inline styles.
#[component]
pub fn ShareBar(part: u64, total: u64) -> impl IntoView {
    let share = (u128::from(part) * 1000).checked_div(u128::from(total)).unwrap_or_default();
    // Keep the smallest share above zero visible.
    let width = if part == 0 { 0 } else { share.max(8) };
    view! {
        <svg class="share-bar" viewBox="0 0 1000 8" preserveAspectRatio="none" aria-hidden="true">
            <rect width=width.to_string() height="8"></rect>
        </svg>
    }
}
