//! What a merge goes by, besides the primary key.

use crate::server::rows::{Bound, ForeignKey};

/// How the records of one table are merged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MergeRules {
    /// A record whose primary key, of one column, is not there is taken for the one that has the same values in all columns of one of
    /// these: it gets that one's key. NULL is no value.
    pub natural_keys: Vec<NaturalKey>,
    /// Whether a record ends the import whose primary key is there, in a record that has none of these in common with it: nothing says
    /// that they are the same person, or thing, though what comes would refer to it.
    pub must_share_natural_key: bool,
    /// References of the table's records to tables with natural keys: they follow to the keys that are there.
    pub references: Vec<ForeignKey>,
    pub changed_since: Option<ChangedSince>,
    /// The column that has a value in records that are hidden.
    pub hidden_by: Option<String>,
    /// Whether a record that is there, differs, and was changed since or is hidden stays as it is. It is counted either way.
    pub keeps_conflicts: bool,
}

/// A column in which references are NULL if they lead out of the part that the file holds. A NULL replaces none that leads there: in a
/// replacement, to a row that stays and that the file does not have; in a merge, which does not know the file's rows, anywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmptiedReference {
    pub column: String,
    /// The references that it takes part in.
    pub keys: Vec<ForeignKey>,
    /// Columns that are in the file and that say, too, what is referred to: where they differ, it is another reference.
    pub with: Vec<String>,
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
    /// Whether records that are newer here, or hidden, are known.
    #[must_use]
    pub fn knows_newer(&self) -> bool {
        self.changed_since.is_some() || self.hidden_by.is_some()
    }
}

/// For people: `email`, or `company and name`.
impl std::fmt::Display for NaturalKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(" and "))
    }
}
