//! Which records to show: `column=value`.

use super::Record;

/// A condition on one column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    pub column: String,
    pub value: String,
}

impl Filter {
    /// A record fits when the value reads the same as text: `42`, `true`, `null`, or a string's inside.
    #[must_use]
    pub fn fits(&self, record: &Record) -> bool {
        record.get(&self.column).is_some_and(|value| plain(value.get()) == self.value)
    }
}

/// A JSON value as a person would type it: strings without quotes, the rest as it stands.
#[must_use]
pub fn plain(json: &str) -> std::borrow::Cow<'_, str> {
    if json.starts_with('"')
        && let Ok(text) = serde_json::from_str::<String>(json)
    {
        return text.into();
    }
    json.into()
}

impl std::str::FromStr for Filter {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (column, value) = text.split_once('=').ok_or("write it as COLUMN=VALUE")?;
        Ok(Self { column: column.to_owned(), value: value.to_owned() })
    }
}
