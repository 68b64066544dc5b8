//! The list of tables: records, size and left-out columns of each.

use leptos::prelude::*;

use super::part::PART_FORM;
use super::preview_tracker::PreviewTracker;
use crate::model::name::TableName;
use crate::model::preview::{Preview, TablePreview};
use crate::model::text;
use crate::ui::components::{ShareBar, text_signal};

#[component]
pub fn Tables(previews: PreviewTracker) -> impl IntoView {
    let preview = previews.preview;
    view! {
        <section class="card" on:input=move |_| previews.choose_form(0)>
            <table class="tables">
                <caption class="visually-hidden">"Tables in this export"</caption>
                <thead><tr>
                    <th scope="col">"Table"</th>
                    <th scope="col" class="number">"Records"</th>
                    <th scope="col" class="bar">"Share of size"</th>
                    <th scope="col" class="number">"Estimated size"</th>
                    <th scope="col" class="left-out">"Left out"</th>
                </tr></thead>
                <tbody><Rows previews /></tbody>
                <tfoot><Total preview /></tfoot>
            </table>
            <NotIncluded preview />
        </section>
    }
}

/// A row for each table that could be exported. The bars are shares of the largest table that has been measured.
#[component]
fn Rows(previews: PreviewTracker) -> impl IntoView {
    move || {
        let preview = previews.preview.read();
        let largest = preview.tables.iter().filter_map(|table| Some(table.size?.bytes)).max().unwrap_or(0);
        let row = |name: &TableName| {
            let table = preview.tables.iter().find(|table| table.name == *name).cloned();
            let is_chosen = preview.part.as_ref().is_some_and(|part| part.tables.contains(name));
            view! { <Row name=name.clone() table largest is_chosen /> }
        };
        preview.planned.iter().map(row).collect_view()
    }
}

#[component]
fn Total(preview: RwSignal<Preview>) -> impl IntoView {
    let records = text_signal(move || preview.read().records_text().unwrap_or_else(|| "counting".into()));
    let size =
        text_signal(move || preview.read().total_size().map_or("measuring".into(), |size| text::bytes(size.bytes)));
    view! {
        <tr>
            <th scope="row">"Total"</th>
            <td class="number">{records}</td>
            <td class="bar"></td>
            <td class="number">{size}</td>
            <td class="left-out"></td>
        </tr>
    }
}

/// A `table` that is missing is not in the part.
#[component]
fn Row(name: TableName, table: Option<TablePreview>, largest: u64, is_chosen: bool) -> impl IntoView {
    let is_outside = table.is_none();
    let table =
        table.unwrap_or_else(|| TablePreview { name, left_out: Vec::new(), records: None, about: None, size: None });
    let about = table.about.filter(|records| *records > 0).map(text::about);
    let records = table.records.map(text::count).or(about);
    let records = records.unwrap_or_else(|| if is_outside { "–" } else { "counting" }.into());
    // No record is estimated: there may be some all the same.
    let is_uncounted = table.records.is_none() && table.about.is_none_or(|about| about == 0);
    let bytes = table.size.filter(|_| !is_uncounted).map(|size| size.bytes);
    let size = bytes.map_or(if is_outside { "–" } else { "…" }.into(), text::bytes);
    // On narrow screens the left-out columns are listed under the name.
    let under_name = (!table.left_out.is_empty()).then(|| format!("without {}", table.left_out.join(", ")));
    let tags = table.left_out.into_iter().map(|column| view! { <span class="tag">{column}</span> }).collect_view();
    view! {
        <tr class:is-outside=is_outside>
            <th scope="row"><label class="table-choice">
                <input type="checkbox" name="tables" value=table.name.to_string() form=PART_FORM
                    checked=is_chosen prop:checked=is_chosen />
                <span>{breakable(table.name.as_str())}</span>
            </label>{under_name.map(|text| view! { <span class="under-name">{text}</span> })}</th>
            <td class="number">{records}</td>
            <td class="bar"><ShareBar part=bytes.unwrap_or(0) total=largest /></td>
            <td class="number">{size}</td>
            <td class="left-out">{tags}</td>
        </tr>
    }
}

/// Allows a line break after each underscore of a long name.
fn breakable(name: &str) -> impl IntoView + use<> {
    name.split_inclusive('_').map(|part| view! { {part.to_owned()}<wbr /> }).collect_view()
}

#[component]
fn NotIncluded(preview: RwSignal<Preview>) -> impl IntoView {
    move || {
        let absent = preview.read().absent.clone();
        (!absent.is_empty()).then(|| {
            let lines =
                absent.into_iter().map(|object| view! { <li><code>{object.object}</code>" "{object.reason}</li> });
            view! { <div class="not-included"><h2>"Not in this export"</h2><ul>{lines.collect_view()}</ul></div> }
        })
    }
}
