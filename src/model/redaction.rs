//! How sensitive a column is, how it is treated, and the record of what was left out.

use serde::{Deserialize, Serialize};

use super::drift::Guess;
use super::name::{FieldName, TableName, TableOrField};

/// What an export does with a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Treatment {
    Keep,
    Omit,
    /// Hides part of each value: `a***@masked.invalid`.
    Mask,
    /// Replaces each value with another of its kind: equal values get the same one within an export, and
    /// another one in the next. Still personal data: anyone who has both can link them.
    Pseudonymise,
}

impl Treatment {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Omit => "omit",
            Self::Mask => "mask",
            Self::Pseudonymise => "pseudonymise",
        }
    }
}

impl Treatment {
    /// The past participle, for lists of columns.
    #[must_use]
    pub fn past_participle(self) -> &'static str {
        match self {
            Self::Keep => "kept",
            Self::Omit => "left out",
            Self::Mask => "masked",
            Self::Pseudonymise => "pseudonymised",
        }
    }
}

/// The part of a file's metadata that lists what was left out or changed on purpose.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Redaction {
    /// Left out of every record.
    pub removed_fields: Vec<FieldName>,
    /// Exported in a changed form.
    pub treated: Vec<TreatedField>,
    pub excluded_tables: Vec<ExcludedTable>,
    /// Unknown to the profile, and not exported.
    pub unclassified: Vec<TableOrField>,
    /// If no profile was given, the guessed classification of every column.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub guessed: Vec<Guess>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreatedField {
    pub field: FieldName,
    pub treatment: Treatment,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExcludedTable {
    pub table: TableName,
    pub reason: String,
}

/// A database object that is not a plain table, and why it is not in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotIncluded {
    pub object: String,
    pub reason: String,
}

impl NotIncluded {
    /// Formats one line per reason: `orders_by_day, totals (a view: …)`.
    #[must_use]
    pub fn lines_by_reason(list: &[Self]) -> Vec<String> {
        let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
        for Self { object, reason } in list {
            match reasons.iter_mut().find(|(known, _)| known == reason) {
                Some((_, objects)) => objects.push(object),
                None => reasons.push((reason, vec![object])),
            }
        }
        reasons.into_iter().map(|(reason, objects)| format!("{} ({reason})", objects.join(", "))).collect()
    }
}
