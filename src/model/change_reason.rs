//! What an import does to a record, and why.

use serde::{Deserialize, Serialize};

/// What happens to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordAction {
    Delete,
    Update,
    Create,
}

/// Why it happens. What needs a decision comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeReason {
    /// The file has no record with the key of the one that is there.
    NotInFile,
    /// The record of the database that has the key has another natural key: it may be somebody else.
    OtherNaturalKey,
    /// The record of the database has other values, and was changed there since the file was made.
    ChangedHereSinceExport,
    /// The record of the database has other values, and is hidden there: deleted, as far as the application's users see.
    HiddenRow,
    /// The record of the database that has the key has other values.
    ValuesDiffer,
    /// The same of a record that is there under another key, and has the same natural one.
    NaturalKey,
    /// No record of the database has the key.
    NewKey,
}

impl RecordAction {
    /// What becomes of the record, in a word.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::Delete => "removed",
            Self::Update => "changed",
            Self::Create => "new",
        }
    }
}

impl ChangeReason {
    const ALL: [Self; 7] = [
        Self::NotInFile,
        Self::OtherNaturalKey,
        Self::ChangedHereSinceExport,
        Self::HiddenRow,
        Self::ValuesDiffer,
        Self::NaturalKey,
        Self::NewKey,
    ];

    /// What a statement says instead.
    #[must_use]
    pub fn number(self) -> i64 {
        self as i64
    }

    #[must_use]
    pub fn of_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.number() == number)
    }

    #[must_use]
    pub fn action(self) -> RecordAction {
        match self {
            Self::NotInFile => RecordAction::Delete,
            Self::NewKey => RecordAction::Create,
            _ => RecordAction::Update,
        }
    }

    /// Half a sentence for people; nothing for what goes without saying.
    #[must_use]
    pub fn describe(self) -> Option<&'static str> {
        match self {
            Self::NotInFile => Some("not in the file"),
            Self::OtherNaturalKey => Some("another natural key here"),
            Self::ChangedHereSinceExport => Some("changed here since the file was made"),
            Self::HiddenRow => Some("hidden here"),
            Self::NaturalKey => Some("here under another key"),
            Self::ValuesDiffer | Self::NewKey => None,
        }
    }
}
