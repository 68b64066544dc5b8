//! What a merge goes by, besides the primary key.

use super::{Error, Kind};
use crate::model::name::TableName;
use crate::model::text;
use crate::server::rows::{Bound, ForeignKey};

/// How the records of one table are merged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MergeRules {
    /// A record whose primary key, of one column, is not there is taken for the one that has the same values in all columns of one of
    /// these: it gets that one's key. NULL is no value.
    pub natural_keys: Vec<NaturalKey>,
    /// References of the table's records to tables with natural keys: they follow to the keys that are there.
    pub references: Vec<ForeignKey>,
    pub changed_since: Option<ChangedSince>,
    /// The column that has a value in records that are hidden.
    pub hidden_by: Option<String>,
    /// Whether a record that is there, differs, and was changed since or is hidden stays as it is. It is counted either way.
    pub keeps_conflicts: bool,
}

/// Columns that tell records apart as people do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NaturalKey(pub Vec<NaturalKeyColumn>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NaturalKeyColumn {
    pub name: String,
    /// Whether `A` and `a` are the same there: of the letters A to Z only, as both engines can tell.
    pub folds_case: bool,
}

/// A record was changed at this time or later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedSince {
    pub column: String,
    /// In the column's unit; a text is `YYYY-MM-DDTHH:MM:SS`, UTC.
    pub time: Bound,
}

impl MergeRules {
    #[must_use]
    pub fn knows_conflicts(&self) -> bool {
        self.changed_since.is_some() || self.hidden_by.is_some()
    }
}

/// For people: `email`, or `company and name`.
impl std::fmt::Display for NaturalKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(" and "))
    }
}

/// Two records of the file are one by a natural key, of which one is not there by its own.
pub fn duplicate_in_file(table: &TableName, natural: &NaturalKey, [one, other]: [&str; 2]) -> Error {
    let what = format!(
        "the records {one} and {other} of {table} in the file have the same natural key ({natural}): only one of them can be meant"
    );
    Error::new(Kind::Refused, what)
}

/// A natural key finds several records, or several of the file find the same one.
pub fn ambiguous(table: &TableName, record: &str) -> Error {
    let what = format!(
        "natural keys do not tell which record of {table} is meant by record {record} of the file: they fit more than one"
    );
    Error::new(Kind::Refused, what)
}

/// References can follow to records of tables only that come earlier in the file.
pub fn comes_earlier(table: &TableName, target: &TableName, records: u64) -> Error {
    let what = format!(
        "{} of {table} would have to follow to records of {target} that are there under another key, but came earlier in the file",
        text::count_with_noun(records, "record")
    );
    Error::new(Kind::Refused, what)
}
