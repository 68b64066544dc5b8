//! Which part of the audit trail is shown: filter and position. Plain forms, whose fields are the page's query.

use leptos::prelude::*;

use crate::model::route;
use crate::ui::components::{SelectField, SelectOption, TextField};

/// The filter and position in the audit trail; empty means no filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditQuery {
    pub kind: String,
    pub actor: String,
    /// Show entries older than this one; 0 shows the newest.
    pub before: u64,
}

impl AuditQuery {
    /// What to say if nothing matches.
    pub fn text_without_entries(&self) -> &'static str {
        let is_filtered = !self.kind.is_empty() || !self.actor.is_empty();
        match (is_filtered, self.before) {
            (true, _) => "No entry matches. Enter the full name.",
            (false, 0) => "Nothing has been recorded yet.",
            (false, _) => "No older entries.",
        }
    }
}

#[component]
pub fn Filter(kinds: Vec<String>, query: AuditQuery) -> impl IntoView {
    let everything = SelectOption { value: String::new(), label: "everything".into(), is_selected: false };
    let kinds = kinds.into_iter().map(|kind| SelectOption {
        label: kind.replace('_', " "),
        is_selected: kind == query.kind,
        value: kind,
    });
    let options: Vec<SelectOption> = std::iter::once(everything).chain(kinds).collect();
    view! {
        <form class="filter" method="get" action=route::AUDIT>
            <SelectField label="What " name="kind" options />
            <TextField label="Who " name="actor" value=query.actor placeholder="ada@example.org" autocapitalize="none" required=false />
            <button class="button">"Show"</button>
        </form>
    }
}

/// `older_than` is the oldest entry of this page, if there are older ones.
#[component]
pub fn Pager(query: AuditQuery, older_than: Option<u64>) -> impl IntoView {
    let older =
        older_than.map(|entry| view! { <button class="button" name="before" value=entry.to_string()>"Older"</button> });
    let newest = (query.before > 0).then(|| view! { <button class="button">"Newest"</button> });
    view! {
        <form class="pager" method="get" action=route::AUDIT aria-label="Pages">
            <input type="hidden" name="kind" value=query.kind />
            <input type="hidden" name="actor" value=query.actor />
            {newest}
            {older}
        </form>
    }
}
