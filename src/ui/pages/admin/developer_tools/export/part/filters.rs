//! The filters: what is chosen, and what there is to choose from. Rendered on the server only. Elements of the class
//! `region` are replaced when the choice changes, by the one with the same id.

use leptos::prelude::*;

use super::super::drift::DriftPanel;
use super::super::guesses::GuessPanel;
use super::chips::chips;
use super::details::PartDetails;
use crate::model::part_filters::{ChoiceKind, FilterChoices, PartFilters, PeriodChoice, RecordChoices};
use crate::model::preview::Preview;
use crate::model::{route, text};

/// The form's id. The check boxes of the tables belong to it, too.
pub const PART_FORM: &str = "part";

/// What the preview has found that needs a look, and the form.
#[must_use]
pub fn filters_html(filters: PartFilters, preview: Preview) -> String {
    view! { <Filters filters preview /> }.into_any().to_html()
}

#[component]
fn Filters(filters: PartFilters, preview: Preview) -> impl IntoView {
    let failure = filters.failure.clone().map(|text| view! { <p class="form-error" role="alert">{text}</p> });
    let chips = chips(&filters);
    let Preview { drift, guesses, reclassified, part, .. } = preview;
    view! {
        <div id="part-findings" class="region"><DriftPanel drift /><GuessPanel guesses reclassified /></div>
        <form id=PART_FORM class="card panel part" method="get" action=route::EXPORT autocomplete="off" aria-label="Part of the database">
            <h2 id="part-title" tabindex="-1">"Choose a part"</h2>
            {failure}
            <div class="part-filters">{filters.filters.into_iter().map(filter).collect_view()}</div>
            <div id="part-chips" class="region chips">{chips}</div>
            <div id="part-details" class="region"><PartDetails part /></div>
            <p class="no-js"><button class="button">"Show this part"</button></p>
        </form>
    }
}

fn filter(filter: FilterChoices) -> AnyView {
    let FilterChoices { name, label, kind } = filter;
    match kind {
        ChoiceKind::Records(records) => view! { <RecordFilter name label records /> }.into_any(),
        ChoiceKind::Period(period) => view! { <PeriodFilter name label period /> }.into_any(),
    }
}

#[component]
fn RecordFilter(name: String, label: String, records: RecordChoices) -> impl IntoView {
    let id = |what: &str| format!("{PART_FORM}-{what}-{name}");
    let value = match &records.chosen[..] {
        [] => "any".to_owned(),
        [one] => one.name.clone(),
        several => format!("{} chosen", several.len()),
    };
    let (more, is_searched) = (more(&records), !records.search.is_empty());
    let search = view! {
        <input type="search" name=format!("find.{name}") value=records.search.clone() maxlength="200"
            aria-label=format!("Search {label}") placeholder="Search by name" />
    };
    view! {
        <details class="choice" name="part-filter" open=is_searched>
            <summary>
                <span class="choice-label">{label.clone()}</span>
                <span id=id("value") class="region choice-value"><bdi>{value}</bdi></span>
            </summary>
            <div class="choice-body">
                <div class="choice-search">{search}<button class="button small no-js">"Search"</button></div>
                <label class="no-js">"Name or key "<input name=format!("add.{name}") maxlength="500" /></label>
                <div id=id("choices") class="region choices" role="group" aria-label=label>
                    {choices(&name, records)}
                </div>
                <p id=id("more") class="region more" role="status">{more}</p>
            </div>
        </details>
    }
}

/// What is chosen comes first, and stays where it is until another search.
fn choices(name: &str, records: RecordChoices) -> impl IntoView + use<> {
    let chosen = records.chosen.into_iter().map(|chosen| (chosen.value, chosen.name, true));
    let offered = records.offered.into_iter().map(|offered| (offered.key, offered.name, false));
    let field = name.to_owned();
    let choice = move |(value, name, is_chosen): (String, String, bool)| {
        view! {
            <label>
                <input type="checkbox" name=field.clone() value=value checked=is_chosen />
                <bdi>{name}</bdi>
            </label>
        }
    };
    chosen.chain(offered).map(choice).collect_view()
}

fn more(records: &RecordChoices) -> String {
    let at_least = if records.is_more_than { "more than " } else { "" };
    match records.more {
        0 if records.offered.is_empty() && records.chosen.is_empty() => "Nothing found.".to_owned(),
        0 => String::new(),
        more => format!("and {at_least}{} more: type to search", text::count(more)),
    }
}

#[component]
fn PeriodFilter(name: String, label: String, period: PeriodChoice) -> impl IntoView {
    let PeriodChoice { from, to } = period;
    view! {
        <fieldset class="choice period">
            <legend class="choice-label">{label}</legend>
            <div id=format!("{PART_FORM}-period-{name}") class="region">
                <label>"From "<input type="date" name=format!("{name}.from") value=from /></label>
                <label>"Before "<input type="date" name=format!("{name}.to") value=to /></label>
            </div>
        </fieldset>
    }
}
