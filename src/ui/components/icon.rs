//! One icon of the sprite (`public/icons.svg`).

use leptos::prelude::*;

/// Decoration beside a text that says the same; hidden from screen readers.
#[component]
pub fn Icon(name: &'static str) -> impl IntoView {
    view! {
        <svg class="icon" width="18" height="18" aria-hidden="true">
            <use href=format!("/icons.svg#{name}")></use>
        </svg>
    }
}
