//! An icon from the sprite (`public/icons.svg`).

use leptos::prelude::*;

/// Decorative: the text beside it says the same, so it is hidden from screen readers.
#[component]
pub fn Icon(name: &'static str) -> impl IntoView {
    view! {
        <svg class="icon" width="18" height="18" aria-hidden="true">
            <use href=format!("/icons.svg#{name}")></use>
        </svg>
    }
}
