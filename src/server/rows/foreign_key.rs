//! Foreign keys, whole: a composite one keeps its columns together.

use super::json_path::JsonPath;
use crate::model::name::{FieldName, TableName};

/// Columns of a table that refer to a row of another one, or of the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ForeignKey {
    pub columns: Vec<String>,
    /// The table referred to; it need not exist.
    pub target: TableName,
    /// The column that each of `columns` refers to, in the same order.
    pub target_columns: Vec<String>,
    /// Columns of the referring table with the texts that they must have. Where one has another, the record refers to nothing:
    /// what it refers to is in a table that it names itself.
    pub when: Vec<(String, Vec<String>)>,
    pub referring: Referring,
}

/// What of a record refers.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Referring {
    /// The whole values of the columns.
    #[default]
    Columns,
    /// Texts and numbers inside the JSON of the one column.
    Json(JsonPath),
    /// The parts of the one column's text between separators, without blanks around them.
    List(String),
}

impl ForeignKey {
    /// A key of every record of its table.
    #[must_use]
    pub fn new(columns: Vec<String>, target: TableName, target_columns: Vec<String>) -> Self {
        Self { columns, target, target_columns, when: Vec::new(), referring: Referring::Columns }
    }

    /// Whether both refer with the same columns to the same ones, in whatever order they are listed.
    #[must_use]
    pub fn is_same_reference(&self, other: &Self) -> bool {
        let pairs = |key: &Self| {
            let pairs = key.columns.iter().cloned().zip(key.target_columns.iter().cloned());
            pairs.collect::<std::collections::BTreeSet<_>>()
        };
        let is_alike = self.when == other.when && self.referring == other.referring;
        self.target == other.target && is_alike && pairs(self) == pairs(other)
    }

    /// Whether parts of a value refer: it may lead to several rows, and cannot be emptied alone.
    #[must_use]
    pub fn is_within_value(&self) -> bool {
        self.referring != Referring::Columns
    }

    /// What the first key with this column says that it refers to.
    #[must_use]
    pub fn find_reference(keys: &[Self], column: &str) -> Option<FieldName> {
        keys.iter().find_map(|key| {
            let at = key.columns.iter().position(|name| name == column)?;
            Some(key.target.field(key.target_columns.get(at)?))
        })
    }
}
