//! An icon from the sprite (`public/icons.svg`).

use leptos::prelude::*;

use crate::model::route::ICONS;

/// Decorative: the text beside it says the same, so it is hidden from screen readers.
#[component]
pub fn Icon(name: &'static str) -> impl IntoView {
    view! {
        <svg class="icon" width="18" height="18" aria-hidden="true">
            <use href=format!("{ICONS}#{name}")></use>
        </svg>
    }
}
