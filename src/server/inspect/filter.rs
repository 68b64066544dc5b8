//! The record filter `column=value`.

use super::Record;
use crate::model::text;

/// A condition on one column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordFilter {
    pub column: String,
    pub value: String,
}

impl RecordFilter {
    /// Whether the record's value equals the filter's as text: `42`, `true`, `null`, or a string without its quotes.
    #[must_use]
    pub fn matches(&self, record: &Record) -> bool {
        record.get(&self.column).is_some_and(|value| text::unquote(value.get()) == self.value)
    }
}

impl std::str::FromStr for RecordFilter {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (column, value) = text.split_once('=').ok_or("write it as COLUMN=VALUE")?;
        Ok(Self { column: column.to_owned(), value: value.to_owned() })
    }
}
