//! Conditions of a lookup.

/// A condition on one column: its value must be one of `any_of`.
#[derive(Clone, Debug)]
pub struct Predicate<'a> {
    pub column: &'a str,
    pub any_of: Vec<AcceptedValue<'a>>,
}

impl<'a> Predicate<'a> {
    #[must_use]
    pub fn equals(column: &'a str, value: &'a str) -> Self {
        Self { column, any_of: vec![AcceptedValue::Text(value)] }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcceptedValue<'a> {
    /// The value as the database renders it as text.
    Text(&'a str),
    Null,
    NotNull,
}
