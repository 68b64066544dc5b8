//! The state of a check: progress, or how it ended.

use leptos::prelude::*;

use super::checker::CheckState;
use super::valid_file::ValidFile;
use crate::ui::components::Icon;

/// `has_counts`: whether the records of each table are listed.
#[component]
pub fn CheckResult(state: CheckState, has_counts: bool) -> impl IntoView {
    match state {
        CheckState::Idle => ().into_any(),
        CheckState::Checking { name, percent } => view! { <Checking name percent /> }.into_any(),
        CheckState::Valid { name, verified, signature, export } => {
            view! { <ValidFile name verified=*verified signature export has_counts /> }.into_any()
        }
        CheckState::NotChecked { name, reason } => view! { <NotChecked name reason /> }.into_any(),
        CheckState::Invalid { name, reason } => view! { <InvalidFile name reason /> }.into_any(),
    }
}

#[component]
fn Checking(name: String, percent: u64) -> impl IntoView {
    view! {
        <section class="card panel">
            <h2>"Checking "{name}</h2>
            <progress max="100" prop:value=percent aria-label="Progress"></progress>
        </section>
    }
}

#[component]
fn NotChecked(name: String, reason: String) -> impl IntoView {
    view! {
        <section class="card panel">
            <h2><Icon name="triangle-alert" />"Not checked"</h2>
            <p><strong>{name}</strong>": "{reason}</p>
        </section>
    }
}

#[component]
fn InvalidFile(name: String, reason: String) -> impl IntoView {
    view! {
        <section class="card panel is-error">
            <h2><Icon name="triangle-alert" />"Verification failed"</h2>
            <p><strong>{name}</strong>": "{reason}"."</p>
            <p class="muted">"If this should be an export, copy or download it again, or export again."</p>
        </section>
    }
}
