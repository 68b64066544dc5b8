//! The schema as a file describes it.

use serde::{Deserialize, Serialize};

/// How a column's values are written as JSON (`waybill guide` explains each for readers).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Codec {
    Boolean,
    /// A number while it is exact in a double (|n| <= 2^53 - 1), else a string of digits.
    Integer,
    /// Shortest form that reads back to the same bits; `"NaN"`, `"Infinity"`, `"-Infinity"`, `"-0"` as strings.
    Double,
    /// A string, digits and scale kept.
    Decimal,
    Text,
    Base64,
    Timestamp,
    Date,
    Time,
    /// The column's own JSON, embedded where that loses nothing, else `{"$json":"text"}`.
    Json,
    /// The engine's own text.
    Native,
    /// `SQLite` column without one type: each value as it is stored.
    Dynamic,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnSchema {
    pub name: String,
    /// The type as the database declares it; empty where it declares none.
    #[serde(rename = "type")]
    pub native_type: String,
    pub codec: Codec,
    pub nullable: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub generated: bool,
    /// Columns of its table whose values its own say again: those of a generated column's expression, those of a
    /// search vector.
    #[serde(skip)]
    pub computed_from: Vec<String>,
    /// "always" or "by default" for a column that numbers its rows by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// `table.column` that this one refers to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub references: Option<String>,
    /// What the database's own documentation says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

impl ColumnSchema {
    /// How many characters a text type of limited length holds, such as 12 for `varchar(12)`.
    #[must_use]
    pub fn longest_text(&self) -> Option<usize> {
        let (name, rest) = self.native_type.split_once('(')?;
        let is_text = name.to_ascii_lowercase().contains("char");
        is_text.then(|| rest.split(')').next()?.trim().parse().ok()).flatten()
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TableSchema {
    #[serde(default)]
    pub primary_key: Vec<String>,
    pub columns: Vec<ColumnSchema>,
}
