//! What is chosen, as links that take it away again. Rendered on the server only.

use leptos::prelude::*;

use crate::model::name::TableName;
use crate::model::part_filters::{ChoiceKind, FilterChoices, PartFilters, PeriodChoice};
use crate::model::part_query::PartQuery;
use crate::model::route;

/// Each chosen value, and the link to the full database.
pub fn chips(filters: &PartFilters) -> Vec<AnyView> {
    if filters.part.is_empty() {
        let hint = "Nothing is chosen: the export has the whole database. Check tables below to export these only.";
        return vec![view! { <p class="muted">{hint}</p> }.into_any()];
    }
    let mut chips: Vec<AnyView> = filters.filters.iter().flat_map(|filter| chips_of(filter, &filters.part)).collect();
    let mut selection = PartQuery::parse(&filters.part).unwrap_or_default().selection;
    if let Some(tables) = selection.tables.take() {
        let names: Vec<&str> = tables.iter().map(TableName::as_str).collect();
        chips.push(chip("Tables", &names.join(", "), PartQuery::from(selection).to_string()));
    }
    let whole = view! { <a class="whole" href=route::EXPORT data-part="">"Export the full database instead"</a> };
    chips.push(whole.into_any());
    chips
}

fn chips_of(filter: &FilterChoices, part: &str) -> Vec<AnyView> {
    match &filter.kind {
        ChoiceKind::Records(records) => {
            let chosen = records.chosen.iter();
            chosen.map(|chosen| chip(&filter.label, &chosen.name, chosen.part_without.clone())).collect()
        }
        ChoiceKind::Period(PeriodChoice { from, to }) if from.is_empty() && to.is_empty() => Vec::new(),
        ChoiceKind::Period(PeriodChoice { from, to }) => {
            let mut selection = PartQuery::parse(part).unwrap_or_default().selection;
            selection.filters.remove(&filter.name);
            let words = match (&from[..], &to[..]) {
                (from, "") => format!("from {from}"),
                ("", to) => format!("before {to}"),
                (from, to) => format!("from {from}, before {to}"),
            };
            vec![chip(&filter.label, &words, PartQuery::from(selection).to_string())]
        }
    }
}

fn chip(label: &str, value: &str, part_without: String) -> AnyView {
    let href = PartQuery::page_of(&part_without, "");
    view! {
        <a class="chip" href=href data-part=part_without>
            <span class="visually-hidden">"Remove "</span>
            <span class="chip-label">{label.to_owned()}</span>
            " "
            <bdi>{value.to_owned()}</bdi>
            <span class="chip-cross" aria-hidden="true">"×"</span>
        </a>
    }
    .into_any()
}
