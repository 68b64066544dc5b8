//! What the export page offers to choose a part of the database by.

use serde::{Deserialize, Serialize};

/// The filters of a profile, with what is chosen and what there is to choose from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartFilters {
    /// The chosen part, as the query of the page's address.
    pub part: String,
    pub filters: Vec<FilterChoices>,
    /// Why nothing can be chosen from, if the database does not answer.
    pub failure: Option<String>,
}

/// One filter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilterChoices {
    /// The parameter's name.
    pub name: String,
    pub label: String,
    #[serde(flatten)]
    pub kind: ChoiceKind,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChoiceKind {
    Records(RecordChoices),
    Period(PeriodChoice),
}

/// Records to choose from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordChoices {
    pub chosen: Vec<ChosenRecord>,
    /// The first records that are not chosen and match the search, by name.
    pub offered: Vec<OfferedRecord>,
    /// How many further records match.
    pub more: u64,
    /// Whether there are still more than `more`: they are counted up to a limit.
    pub is_more_than: bool,
    /// The text that is searched for.
    pub search: String,
    /// The label of the filter whose choice limits this one's.
    pub within: Option<String>,
}

/// A chosen value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChosenRecord {
    /// As it was given: a key or a name.
    pub value: String,
    pub name: String,
    /// The part without this value, as a query.
    pub part_without: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferedRecord {
    pub key: String,
    pub name: String,
}

/// A chosen period: days, UTC. An empty bound is open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeriodChoice {
    pub from: String,
    /// The first day after the period.
    pub to: String,
}
