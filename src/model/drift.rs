//! How a database and its profile have grown apart, and what was guessed where there is no profile.

use serde::{Deserialize, Serialize};

use super::redaction::Classification;

/// What the profile says and the database does not, and the other way round.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// Tables and columns that nobody has classified: they stay home.
    pub unclassified: Vec<Unclassified>,
    pub vanished: Vec<Vanished>,
    pub retyped: Vec<Retyped>,
}

impl Drift {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.unclassified.is_empty() && self.vanished.is_empty() && self.retyped.is_empty()
    }

    /// Every difference as a line for people.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let unclassified = self.unclassified.iter().map(|new| format!("unclassified: {}; add {}", new.field, new.line));
        let vanished = self.vanished.iter().map(|gone| match &gone.nearest {
            Some(nearest) => format!("vanished: {} is not in the database; did you mean {nearest}?", gone.field),
            None => format!("vanished: {} is not in the database", gone.field),
        });
        let retyped = self
            .retyped
            .iter()
            .map(|changed| format!("retyped: {} was {} and is {}", changed.field, changed.was, changed.is));
        unclassified.chain(vanished).chain(retyped).collect()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unclassified {
    /// `table` or `table.column`.
    pub field: String,
    /// What to add to the profile, its class a guess by name and type.
    pub line: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vanished {
    pub field: String,
    /// What it may be called now.
    pub nearest: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retyped {
    pub field: String,
    pub was: String,
    pub is: String,
}

/// A classification that nobody has confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guess {
    /// `table.column`.
    pub field: String,
    pub class: Classification,
    pub reason: String,
}
