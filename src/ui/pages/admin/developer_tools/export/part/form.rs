//! The form with the filters. Without script it leads to the address of what it says; with it, the page follows.

use leptos::prelude::*;

use super::super::preview_tracker::PreviewTracker;
use super::render::render_filters;
use crate::ui::browser;
use crate::ui::components::ServerHtml;

/// What is typed is searched for after this pause.
const TYPING_PAUSE_MS: u32 = 200;
const DATE_PAUSE_MS: u32 = 400;
/// How the fields begin that search among choices.
const SEARCH_FIELD: &str = "find.";

/// `part` is the query of the page's address.
#[component]
pub fn PartForm(part: String, tracker: PreviewTracker) -> impl IntoView {
    let fields = Callback::new(move |html| view! { <Fields html tracker /> }.into_any());
    view! { <ServerHtml load=|part| Box::pin(render_filters(part)) argument=part show=fields /> }
}

#[component]
fn Fields(html: String, tracker: PreviewTracker) -> impl IntoView {
    let input = move |event: web_sys::Event| {
        let field = browser::field_name(&event);
        if field.starts_with(SEARCH_FIELD) {
            tracker.search(TYPING_PAUSE_MS);
        } else {
            // A date is typed digit by digit, and every one makes another date.
            tracker.choose_form(if field.contains('.') { DATE_PAUSE_MS } else { 0 });
        }
    };
    let click = move |event: web_sys::MouseEvent| {
        if let Some(part) = browser::linked_part(&event) {
            event.prevent_default();
            browser::focus("part-title");
            tracker.choose(part, 0);
        }
    };
    let submit = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        tracker.choose_form(0);
    };
    view! {
        <div on:input=input on:click=click on:submit=submit inner_html=html></div>
    }
}
