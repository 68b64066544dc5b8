//! Listing records to choose from.

use super::predicate::Predicate;
use crate::model::name::TableName;

/// Most records that are counted, so that a search in a large table ends soon.
pub(super) const MAX_COUNTED: u64 = 100_000;

/// Which records to list.
#[derive(Clone, Debug)]
pub struct ChoiceQuery<'a> {
    pub table: &'a TableName,
    pub key: &'a str,
    /// The column with the names.
    pub show: &'a str,
    /// Part of a name, in any case (letters of ASCII), or a whole key. Empty: all.
    pub search: &'a str,
    pub conditions: &'a [Predicate<'a>],
    pub limit: u32,
}

/// The first records by name, and how many there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choices {
    pub first: Vec<Choice>,
    /// All that match; at most one more than are counted.
    pub total: u64,
    /// Whether there may be more than `total`.
    pub is_more_than: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    pub key: String,
    /// Empty if the record has no name.
    pub name: String,
}

impl Choices {
    pub(super) fn new(first: Vec<Choice>, counted: u64) -> Self {
        Self { first, total: counted.min(MAX_COUNTED), is_more_than: counted > MAX_COUNTED }
    }
}
