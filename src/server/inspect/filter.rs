//! The record filter `column=value`.

use super::Record;

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
        record.get(&self.column).is_some_and(|value| unquote(value.get()) == self.value)
    }
}

/// Returns a JSON value as a person would type it: strings without quotes and escapes, all else verbatim.
#[must_use]
pub fn unquote(json: &str) -> std::borrow::Cow<'_, str> {
    if json.starts_with('"')
        && let Ok(text) = serde_json::from_str::<String>(json)
    {
        return text.into();
    }
    json.into()
}

impl std::str::FromStr for RecordFilter {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (column, value) = text.split_once('=').ok_or("write it as COLUMN=VALUE")?;
        Ok(Self { column: column.to_owned(), value: value.to_owned() })
    }
}
