//! The filters of a profile, and what it says about references.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::{Deserializer, Error};

use super::comparison::{Comparison, ConditionValue};
use crate::model::name::{FieldName, TableName};
use crate::server::rows::{ForeignKey, JsonPath, Referring};

/// A reference that the database does not declare, or about which there is more to say.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeclaredReference {
    pub from: QualifiedColumn,
    pub to: QualifiedColumn,
    /// Columns of both tables that must agree, too.
    #[serde(default)]
    pub together_with: Vec<String>,
    /// Columns of the referring table and the values that they have in records that refer to this table: others refer to
    /// another one, or to nothing.
    #[serde(default)]
    pub when: BTreeMap<String, Comparison>,
    /// Where in the column's JSON the references are.
    #[serde(default, deserialize_with = "json_path")]
    pub path: Option<JsonPath>,
    /// What separates the references in the column's text.
    pub split: Option<String>,
    #[serde(default)]
    pub follow: Follow,
}

fn json_path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<JsonPath>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(|error| D::Error::custom(format!("`{text}` {error}")))
}

/// Whether the record that is referred to comes along with the one that refers to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Follow {
    #[default]
    Always,
    /// The reference is NULL in a part, unless its record is in for another reason.
    Never,
}

/// `table.column`, in a profile. The table may be in a schema: `audit.users.id`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct QualifiedColumn(pub FieldName);

/// A way to choose a part of the data.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilterProfile {
    /// What people read.
    pub label: String,
    /// For a choice of records: the table that they are in.
    pub table: Option<TableName>,
    /// The column with the names of these records.
    pub show: Option<String>,
    /// The filter whose choice limits this one's on the page.
    pub within: Option<String>,
    /// Whether what belongs to others stays out of a part by this filter, by the rules of `[outside]`.
    #[serde(default)]
    pub boundary: bool,
    /// For a period: the column of each table that says when.
    #[serde(default)]
    pub columns: BTreeMap<TableName, String>,
    pub unit: Option<TimeUnit>,
}

/// How a column stores a time. All of them count from 1970 or name a time in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeUnit {
    EpochSeconds,
    EpochMs,
    /// A date or time of the database's own type, or text that begins with `YYYY-MM-DD`.
    Iso,
}

impl TryFrom<String> for QualifiedColumn {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.rsplit_once('.') {
            Some((table, column)) if !table.is_empty() && !column.is_empty() => {
                Ok(Self(TableName::from(table).field(column)))
            }
            _ => Err(format!("`{text}` is not a table and a column: write \"table.column\"")),
        }
    }
}

impl DeclaredReference {
    pub fn to_foreign_key(&self) -> ForeignKey {
        let with = |column: &str| std::iter::once(column.to_owned()).chain(self.together_with.clone()).collect();
        let texts = |values: Vec<ConditionValue>| {
            let text = |value| if let ConditionValue::Text(text) = value { Some(text) } else { None };
            values.into_iter().filter_map(text).collect()
        };
        let when = self.when.iter().map(|(column, values)| (column.clone(), texts(values.accepted_values())));
        ForeignKey {
            columns: with(&self.from.0.column),
            target: self.to.0.table.clone(),
            target_columns: with(&self.to.0.column),
            when: when.collect(),
            referring: match (&self.path, &self.split) {
                (Some(path), _) => Referring::Json(path.clone()),
                (None, Some(separator)) => Referring::List(separator.clone()),
                (None, None) => Referring::Columns,
            },
        }
    }
}
