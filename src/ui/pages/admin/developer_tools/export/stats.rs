//! The preview's four key figures: records, tables, size, expected time.

use leptos::prelude::*;

use super::preview_tracker::PreviewTracker;
use crate::model::preview::Preview;
use crate::model::text;
use crate::ui::components::text_signal;

#[component]
pub fn Stats(previews: PreviewTracker) -> impl IntoView {
    let preview = previews.preview;
    let label = text_signal(move || share_of_database(&preview.read()));
    let records = text_signal(move || {
        let preview = preview.read();
        // That it is an estimate, the label says: the figure keeps its width.
        let estimated = || preview.estimated_records().map(text::two_digits);
        preview.total_records().map(text::count).or_else(estimated).unwrap_or_else(|| "counting".into())
    });
    let tables = text_signal(move || preview.read().tables.len().to_string());
    let tables_label = text_signal(move || {
        let preview = preview.read();
        let noun = if preview.tables.len() == 1 { "table" } else { "tables" };
        match preview.absent_tables {
            0 => noun.to_owned(),
            n => format!("{noun}, {n} not included"),
        }
    });
    let size =
        text_signal(move || preview.read().total_size().map_or("measuring".into(), |size| text::bytes(size.bytes)));
    let size_range = text_signal(move || {
        let size = preview.read().total_size();
        let band = size.map(|size| (text::bytes(size.low_bytes), text::bytes(size.high_bytes)));
        band.filter(|(low, high)| low != high).map_or("size".into(), |(low, high)| format!("about {low} to {high}"))
    });
    let time = text_signal(move || preview.read().expected_ms.map_or("…".into(), text::approximate_duration));
    view! {
        <dl class="stats" aria-busy=move || previews.is_pending.get().to_string()>
            <div><dd data-testid="records">{records}</dd><dt>{label}</dt></div>
            <div><dd>{tables}</dd><dt>{tables_label}</dt></div>
            <div><dd data-testid="size">{size}</dd><dt>{size_range}</dt></div>
            <div><dd>{time}</dd><dt>"expected"</dt></div>
        </dl>
    }
}

/// "records", of a part "records, about 93 % of the database", or "records, estimated" until it is counted.
fn share_of_database(preview: &Preview) -> String {
    let all = preview.part.as_ref().and_then(|part| part.database_records);
    match (preview.total_records(), all) {
        (Some(records), Some(all)) if all > 0 => {
            let share = text::percent(records, all);
            let about = if share.starts_with("less") { "" } else { "about " };
            format!("records, {about}{share} of the database")
        }
        _ if preview.estimated_records().is_some() => "records, estimated".to_owned(),
        _ => "records".to_owned(),
    }
}
