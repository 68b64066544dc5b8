//! The table of entries.

use leptos::prelude::*;

use crate::model::history::AuditEntry;
use crate::model::text;

#[component]
pub fn Entries(entries: Vec<AuditEntry>) -> impl IntoView {
    let rows = entries.into_iter().map(|entry| view! { <Entry entry /> }).collect_view();
    view! {
        <section class="card scroll" tabindex="0" role="group" aria-label="Entries">
            <table class="log-table">
                <caption class="visually-hidden">"Entries, newest first. Times are UTC."</caption>
                <thead><tr>
                    <th scope="col" class="number">"Entry"</th>
                    <th scope="col">"When (UTC)"</th>
                    <th scope="col">"Who"</th>
                    <th scope="col">"What"</th>
                </tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </section>
    }
}

#[component]
fn Entry(entry: AuditEntry) -> impl IntoView {
    let network = entry.network.map(|network| view! { <span class="detail">{format!("from {network}")}</span> });
    view! {
        <tr>
            <td class="number">{entry.entry.to_string()}</td>
            <td><time>{text::to_minute(&entry.at)}</time></td>
            <td>{entry.actor}{network}</td>
            <td>{text::capitalized(&entry.kind.replace('_', " "))}<span class="detail">{entry.details}</span></td>
        </tr>
    }
}
