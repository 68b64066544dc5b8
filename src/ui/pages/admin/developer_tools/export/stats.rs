//! The four numbers that matter before the click.

use leptos::prelude::*;

use crate::model::export::Preview;
use crate::model::text;

#[component]
pub fn Stats(preview: RwSignal<Preview>) -> impl IntoView {
    let records = move || preview.read().total_records().map_or("counting".into(), text::count);
    let tables = move || preview.read().tables.len().to_string();
    let left = move || match preview.read().excluded.len() {
        0 => "tables".to_owned(),
        n => format!("tables, {n} not included"),
    };
    let size = move || preview.read().total_size().map_or("measuring".into(), |size| text::bytes(size.bytes));
    let band = move || {
        let size = preview.read().total_size();
        size.map_or("size".into(), |size| {
            format!("about {} to {}", text::bytes(size.low_bytes), text::bytes(size.high_bytes))
        })
    };
    let time = move || preview.read().expected_ms.map_or("…".into(), text::rough_duration);
    view! {
        <dl class="stats">
            <div><dd data-testid="records">{records}</dd><dt>"records"</dt></div>
            <div><dd>{tables}</dd><dt>{left}</dt></div>
            <div><dd data-testid="size">{size}</dd><dt>{band}</dt></div>
            <div><dd>{time}</dd><dt>"expected"</dt></div>
        </dl>
    }
}
