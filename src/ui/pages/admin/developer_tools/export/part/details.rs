//! What is in a part and why, and what stays outside. Rendered on the server only.

use leptos::prelude::*;

use crate::model::preview::PartSummary;

/// Nothing before the records are found.
#[component]
pub fn PartDetails(part: Option<PartSummary>) -> impl IntoView {
    part.filter(|part| !part.sums.is_empty()).map(|part| {
        let outside = if part.outside.is_empty() {
            vec!["Every record that is referred to is in the part.".to_owned()]
        } else {
            part.outside
        };
        view! {
            <details class="why">
                <summary>"Why these records, and what stays outside"</summary>
                <h3>"Records by rule"</h3>
                <ul>{lines(part.sums)}</ul>
                <h3>"Outside"</h3>
                <ul>{lines(outside)}</ul>
            </details>
        }
    })
}

fn lines(lines: Vec<String>) -> impl IntoView {
    lines.into_iter().map(|line| view! { <li>{line}</li> }).collect_view()
}
