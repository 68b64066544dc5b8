//! What there is to choose a part of the database by: the filters of the profile, and their records by name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::choice_columns::{AllColumns, ChoiceColumns};
use super::{Error, Exports, Result};
use crate::model::part_filters::{
    ChoiceKind, ChosenRecord, FilterChoices, OfferedRecord, PartFilters, PeriodChoice, RecordChoices,
};
use crate::model::part_query::PartQuery;
use crate::model::selection::Selection;
use crate::model::text;
use crate::server::identity::Caller;
use crate::server::profile::{FilterProfile, Profile};
use crate::server::selection::parse_part;
use crate::server::source::{self, AcceptedValue, ChoiceQuery, Predicate, Source};

/// Most records that are offered at once.
const MAX_OFFERED: u32 = 20;
impl Exports {
    /// The filters, with what is chosen and what the search in the query finds among their records.
    ///
    /// # Errors
    /// `Forbidden`; `Selection` if the query is none. Errors of the source are in `failure`.
    pub async fn part_filters(self: &Arc<Self>, caller: &Caller, query: &str) -> Result<PartFilters> {
        self.authorise(caller, "choose a part of the database").await?;
        let selection = parse_part(query)?;
        let searches = PartQuery::parse(query).map(|part| part.searches).unwrap_or_default();
        let exports = self.clone();
        let listing = tokio::task::spawn_blocking(move || exports.list_filters(&selection, &searches));
        listing.await.map_err(|_| Error::Panicked)
    }

    /// Blocks.
    fn list_filters(&self, selection: &Selection, searches: &BTreeMap<String, String>) -> PartFilters {
        let part = PartQuery::from(selection.clone()).to_string();
        let mut failure = None;
        let columns = if self.profile.filters.is_empty() {
            Ok(Arc::default())
        } else {
            self.choice_columns.get_or_read(&*self.source, &self.profile)
        };
        let columns = columns.unwrap_or_else(|error| {
            failure = Some(failure_message(&error));
            Arc::default()
        });
        let mut filters = Vec::new();
        for (name, filter) in &self.profile.filters {
            let listing = Listing { source: &*self.source, profile: &self.profile, columns: &columns, selection };
            let kind = if filter.table.is_none() {
                ChoiceKind::Period(listing.period(name))
            } else {
                let search = searches.get(name).map_or("", String::as_str);
                ChoiceKind::Records(listing.records(name, filter, search).unwrap_or_else(|error| {
                    failure = Some(failure_message(&Error::Source(error)));
                    RecordChoices { chosen: listing.chosen_as_given(name), ..RecordChoices::default() }
                }))
            };
            filters.push(FilterChoices { name: name.clone(), label: filter.label.clone(), kind });
        }
        // Records first, each after the one that limits it, and periods last.
        filters.sort_by_key(|filter| match &filter.kind {
            ChoiceKind::Records(records) => u8::from(records.within.is_some()),
            ChoiceKind::Period(_) => 2,
        });
        PartFilters { part, filters, failure }
    }
}

/// What is listed of one selection.
struct Listing<'l> {
    source: &'l dyn Source,
    profile: &'l Profile,
    columns: &'l AllColumns,
    selection: &'l Selection,
}

impl Listing<'_> {
    fn values(&self, name: &str) -> impl Iterator<Item = &String> {
        self.selection.filters.get(name).into_iter().flatten()
    }

    fn period(&self, name: &str) -> PeriodChoice {
        let period = self.values(name).next().and_then(|period| period.split_once(".."));
        period.map_or_else(PeriodChoice::default, |(from, to)| PeriodChoice { from: from.into(), to: to.into() })
    }

    fn chosen_as_given(&self, name: &str) -> Vec<ChosenRecord> {
        self.values(name).map(|value| self.chosen(name, value, value)).collect()
    }

    fn chosen(&self, filter: &str, value: &str, name: &str) -> ChosenRecord {
        let mut without = self.selection.clone();
        if let Some(values) = without.filters.get_mut(filter) {
            values.remove(value);
        }
        without.filters.retain(|_, values| !values.is_empty());
        let part_without = PartQuery::from(without).to_string();
        ChosenRecord { value: value.to_owned(), name: text::one_line(name), part_without }
    }

    fn records(&self, name: &str, filter: &FilterProfile, search: &str) -> source::Result<RecordChoices> {
        let within = filter.within.as_ref().and_then(|other| self.profile.filters.get(other));
        let within = within.map(|other| other.label.clone());
        let Some(columns) = self.columns.get(name) else {
            return Ok(RecordChoices { chosen: self.chosen_as_given(name), within, ..RecordChoices::default() });
        };
        let mut chosen = Vec::new();
        let mut chosen_keys = BTreeSet::new();
        for value in self.values(name) {
            let (key, shown) = self.find(columns, value)?.unwrap_or_else(|| (value.clone(), value.clone()));
            chosen.push(self.chosen(name, value, if shown.is_empty() { &key } else { &shown }));
            chosen_keys.insert(key);
        }
        let owners = self.owner_keys(columns)?;
        let condition = columns.within.as_ref().filter(|_| !owners.is_empty()).map(|(_, column)| {
            let any_of = owners.iter().map(|key| AcceptedValue::Text(key)).collect();
            Predicate { column, any_of }
        });
        let query = ChoiceQuery {
            table: &columns.table,
            key: &columns.key,
            show: &columns.show,
            search,
            conditions: condition.as_slice(),
            limit: MAX_OFFERED + u32::try_from(chosen.len()).unwrap_or(0),
        };
        let found = self.source.list_choices(&query)?;
        let is_new = |choice: &&source::Choice| !chosen_keys.contains(&choice.key);
        let listed = u64::try_from(found.first.iter().filter(|choice| !is_new(choice)).count()).unwrap_or(0);
        let offered: Vec<&source::Choice> = found.first.iter().filter(is_new).take(MAX_OFFERED as usize).collect();
        let more = found.total.saturating_sub(listed + offered.len() as u64);
        let offered = offered.iter().map(|choice| offer(choice, &found.first)).collect();
        let search = search.to_owned();
        Ok(RecordChoices { chosen, offered, more, is_more_than: found.is_more_than, search, within })
    }

    /// The key and the name of the record that a value names.
    fn find(&self, columns: &ChoiceColumns, value: &str) -> source::Result<Option<(String, String)>> {
        for column in [&columns.key, &columns.show] {
            let wanted = [Predicate::equals(column, value)];
            let found = self.source.find_unique(&columns.table, &wanted, &[&columns.key, &columns.show])?;
            if let Some([Some(key), name]) = found.as_deref() {
                return Ok(Some((key.clone(), name.clone().unwrap_or_default())));
            }
        }
        Ok(None)
    }

    /// The keys of the records that the choice is within; none where nothing limits it.
    fn owner_keys(&self, columns: &ChoiceColumns) -> source::Result<Vec<String>> {
        let Some((other, _)) = &columns.within else { return Ok(Vec::new()) };
        let Some(of_other) = self.columns.get(other) else { return Ok(Vec::new()) };
        let keys = self.values(other).map(|value| {
            let found = self.find(of_other, value)?;
            Ok(found.map_or_else(|| value.clone(), |(key, _)| key))
        });
        keys.collect()
    }
}

/// Names that several records have are told apart by the keys.
fn offer(choice: &source::Choice, among: &[source::Choice]) -> OfferedRecord {
    let is_ambiguous = among.iter().filter(|other| other.name == choice.name).count() > 1;
    let name = match (choice.name.is_empty(), is_ambiguous) {
        (true, _) => choice.key.clone(),
        (false, true) => format!("{} ({})", choice.name, choice.key),
        (false, false) => choice.name.clone(),
    };
    OfferedRecord { key: choice.key.clone(), name: text::one_line(&name) }
}

fn failure_message(error: &Error) -> String {
    let reason = match error {
        Error::Source(_) | Error::Profile(_) => error.to_string(),
        other => {
            tracing::error!(error = %other, "choices could not be listed");
            "the server's log says why".to_owned()
        }
    };
    format!("There is nothing to choose from just now: {reason}")
}
