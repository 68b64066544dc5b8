//! Conditions on a column, as `[auth]` and `[roles]` state them.

use serde::Deserialize;

/// The required value of a column, or a list of accepted ones.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "a condition must be a string, an integer, true, false, { null = true }, or a list of these"
)]
pub enum Comparison {
    One(Scalar),
    AnyOf(Vec<Scalar>),
}

/// A value that a column is compared with, in the database's text form.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Scalar {
    Boolean(bool),
    Integer(i64),
    Text(String),
    Null(Null),
}

/// `{ null = true }` accepts NULL only, `{ null = false }` everything but NULL.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Null {
    pub null: bool,
}

/// One accepted value of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConditionValue {
    Text(String),
    Null,
    NotNull,
}

impl Comparison {
    /// Every accepted value.
    #[must_use]
    pub fn accepted_values(&self) -> Vec<ConditionValue> {
        let scalars = match self {
            Self::One(scalar) => std::slice::from_ref(scalar),
            Self::AnyOf(scalars) => scalars,
        };
        scalars.iter().flat_map(Scalar::accepted_values).collect()
    }

    /// Whether no value is accepted.
    #[must_use]
    pub fn is_unsatisfiable(&self) -> bool {
        matches!(self, Self::AnyOf(scalars) if scalars.is_empty())
    }

    /// Whether a stored value, given as text, is accepted.
    #[must_use]
    pub fn accepts(&self, stored: Option<&str>) -> bool {
        self.accepted_values().iter().any(|wanted| match wanted {
            ConditionValue::Text(text) => stored == Some(text),
            ConditionValue::Null => stored.is_none(),
            ConditionValue::NotNull => stored.is_some(),
        })
    }
}

impl Scalar {
    /// Booleans have several text forms: `SQLite` has no boolean type, and every engine writes its own words.
    fn accepted_values(&self) -> Vec<ConditionValue> {
        let texts = |texts: &[&str]| texts.iter().map(|text| ConditionValue::Text((*text).to_owned())).collect();
        match self {
            Self::Boolean(true) => texts(&["true", "t", "1"]),
            Self::Boolean(false) => texts(&["false", "f", "0"]),
            Self::Integer(n) => texts(&[&n.to_string()]),
            Self::Text(text) => texts(&[text]),
            Self::Null(Null { null: true }) => vec![ConditionValue::Null],
            Self::Null(Null { null: false }) => vec![ConditionValue::NotNull],
        }
    }
}
