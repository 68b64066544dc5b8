//! Links between the list of exports and the audit trail.

use leptos::prelude::*;

use crate::model::route;

#[component]
pub fn HistoryTabs(is_audit: bool) -> impl IntoView {
    let current = |here: bool| here.then_some("page");
    view! {
        <nav class="tabs" aria-label="History">
            <a href=route::HISTORY aria-current=current(!is_audit)>"Exports"</a>
            <a href=route::AUDIT aria-current=current(is_audit)>"Audit trail"</a>
        </nav>
    }
}
