//! What an export of an organisation would hold, and the button that starts it.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use crate::model::organization::{Organization, OrganizationPreview};
use crate::model::text;
use crate::rpc::organization::RequestOrganizationExport;
use crate::ui::components::Icon;

#[component]
pub fn Summary(preview: OrganizationPreview) -> impl IntoView {
    let OrganizationPreview {
        organization,
        counts,
        records,
        size,
        contains,
        outside,
        left_out,
        file_name,
        settled,
        ..
    } = preview;
    let Organization { id, name } = organization;
    let total = records.map_or_else(|| "counting".to_owned(), text::count);
    let bytes = size.map_or_else(|| "measuring".to_owned(), |size| text::bytes(size.bytes));
    let again = (!settled).then(|| {
        let address = Organization::page_of(&id);
        view! { <p class="muted">"Some of it is still being counted. "<a href=address>"Count again"</a></p> }
    });
    let rows = counts.into_iter().map(|(what, number)| {
        let number = number.map_or_else(|| "counting".to_owned(), text::count);
        view! { <tr><th scope="row">{what}</th><td class="number">{number}</td></tr> }
    });
    let notice = contains.unwrap_or_else(|| "personal data".to_owned());
    let notice = format!("Contains {notice}. This download is recorded under your name.");
    let outside = details("Records from outside", outside);
    let left_out = details("What is not in it", left_out);
    view! {
        <h2>{name}</h2>
        <dl class="stats">
            <div><dd data-testid="records">{total}</dd><dt>"records"</dt></div>
            <div><dd data-testid="size">{bytes}</dd><dt>"size, about"</dt></div>
        </dl>
        {again}
        <section class="card panel" aria-label="Export">
            <p class="data-warning"><Icon name="triangle-alert" /><span>{notice}</span></p>
            <form class="action-row" method="post" action=RequestOrganizationExport::PATH>
                <input type="hidden" name="organization" value=id />
                <button class="button primary">"Export this organisation"</button>
                <span class="muted">"→ "<code class="file">{file_name}</code></span>
            </form>
        </section>
        <section class="card" aria-label="Contents">
            <table>
                <caption class="visually-hidden">"What the export contains"</caption>
                <thead><tr><th scope="col">"What"</th><th scope="col" class="number">"Records"</th></tr></thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </section>
        {outside}
        {left_out}
    }
}

/// Lines that are shown on demand; nothing if there are none.
fn details(title: &'static str, lines: Vec<String>) -> Option<AnyView> {
    (!lines.is_empty()).then(|| {
        let title = format!("{title} ({})", lines.len());
        let lines = lines.into_iter().map(|line| view! { <li>{line}</li> }).collect_view();
        view! { <details class="card panel"><summary>{title}</summary><ul>{lines}</ul></details> }.into_any()
    })
}
