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

    /// Whole tables that nobody has classified.
    pub fn new_tables(&self) -> impl Iterator<Item = &Unclassified> {
        self.unclassified.iter().filter(|new| new.under.is_none())
    }

    /// Every difference as a line for people.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let unclassified = self.unclassified.iter().map(|new| match &new.under {
            Some(under) => format!("unclassified: {}; add under {under}: {}", new.field, new.line),
            None => format!("unclassified: {}; add:\n  {}", new.field, new.line.replace('\n', "\n  ")),
        });
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
    /// What to add to the profile, its class a guess by name and type; a whole table takes several lines.
    pub line: String,
    /// The header of the section that it belongs under; a whole table brings its own.
    pub under: Option<String>,
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
