//! What a profile says about merges: which records are the same though their keys differ, and which are not replaced unasked
//! (`docs/import.md`, "Merge").

use serde::Deserialize;

use super::unknown_column::unknown_column;
use super::{Profile, TimeUnit};
use crate::model::classification::Classification;
use crate::model::name::TableName;

/// How the records of a table are merged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MergeProfile {
    /// Columns that tell records apart as people do: each is a list. A record whose primary key is not there is looked for by them.
    pub natural_keys: Vec<Vec<String>>,
    /// Columns of natural keys in which `A` and `a` are the same; of the letters A to Z only.
    pub fold_case: Vec<String>,
    /// The column that says when a record was last changed.
    pub changed_at: Option<ChangedAt>,
    /// The column that has a value in records that are hidden: deleted, as far as the application's users see.
    pub hidden_by: Option<String>,
}

/// When a record was last changed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, expecting = "`{ column = \"updated_at\", unit = \"iso\" }`")]
pub struct ChangedAt {
    pub column: String,
    pub unit: TimeUnit,
}

impl MergeProfile {
    /// Whether records that are newer here, or hidden, are known.
    #[must_use]
    pub fn knows_newer(&self) -> bool {
        self.changed_at.is_some() || self.hidden_by.is_some()
    }

    /// Whether a record that is there may be one that is not replaced unasked.
    #[must_use]
    pub fn may_conflict(&self) -> bool {
        self.knows_newer() || !self.natural_keys.is_empty()
    }
}

impl Profile {
    /// How the records of the table are merged; nothing if the profile does not say.
    #[must_use]
    pub fn merge_rules(&self, table: &TableName) -> Option<&MergeProfile> {
        self.tables.get(table)?.merge.as_ref()
    }
}

/// The mistake in what is said about a table, if there is one.
pub fn merge_error(profile: &Profile, table: &TableName, merge: &MergeProfile) -> Option<String> {
    let MergeProfile { natural_keys, fold_case, changed_at, hidden_by } = merge;
    if natural_keys.iter().any(Vec::is_empty) {
        return Some("a natural key needs a column".into());
    }
    let is_twice = |columns: &Vec<String>| (1..columns.len()).any(|place| columns[..place].contains(&columns[place]));
    if natural_keys.iter().any(is_twice) {
        return Some("a natural key has a column twice".into());
    }
    let of_keys = || natural_keys.iter().flatten();
    if let Some(column) = fold_case.iter().find(|column| !of_keys().any(|key| key == *column)) {
        return Some(format!("fold_case: {column} is in no natural key"));
    }
    let named = of_keys().chain(changed_at.iter().map(|changed_at| &changed_at.column)).chain(hidden_by);
    if let Some(column) = named.into_iter().find(|column| profile.column(table, column).is_none()) {
        return Some(unknown_column(profile, table, column));
    }
    let is_secret =
        |name: &&String| profile.column(table, name).is_some_and(|column| column.class == Classification::Secret);
    of_keys().find(is_secret).map(|column| format!("natural_keys: {column} is a secret, which no file has"))
}
