//! The database schema, as an export file describes it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::name::FieldName;

/// How a column's values are written as JSON (`waybill guide` explains each for readers).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Codec {
    Boolean,
    /// A number while it is exact in a double (|n| <= 2^53 - 1), else a string of digits.
    Integer,
    /// Shortest form that reads back to the same bits; `"NaN"`, `"Infinity"`, `"-Infinity"`, `"-0"` as strings.
    Double,
    /// A string that keeps all digits and the scale.
    Decimal,
    Text,
    Base64,
    Timestamp,
    Date,
    Time,
    /// The column's own JSON, embedded where that loses nothing, else `{"$json":"text"}`.
    Json,
    /// The text form of the database engine.
    Native,
    /// An SQLite column without a fixed type: each value as it is stored.
    Dynamic,
}

/// The word that files use.
impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
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
    /// Columns of the same table that this one is computed from: those in a generated column's expression, those of
    /// a search vector.
    #[serde(skip)]
    pub computed_from: Vec<String>,
    /// "always" or "by default" for an identity column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// The column that this foreign key column references.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub references: Option<FieldName>,
    /// The column's comment in the database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

impl ColumnSchema {
    /// A column that is never null and of which nothing else is known.
    #[must_use]
    pub fn new(name: &str, native_type: &str, codec: Codec) -> Self {
        Self {
            name: name.to_owned(),
            native_type: native_type.to_owned(),
            codec,
            nullable: false,
            generated: false,
            computed_from: Vec::new(),
            identity: None,
            references: None,
            comment: None,
        }
    }

    /// Maximum length of a text type in characters, such as 12 for `varchar(12)`; `None` if it has no limit.
    #[must_use]
    pub fn max_chars(&self) -> Option<usize> {
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
