//! How sensitive a column is.

use serde::{Deserialize, Serialize};

/// How sensitive a column is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Classification {
    /// Says nothing about a person.
    Plain,
    /// Says something about a person.
    Personal,
    /// Says something about a person that can hurt them: health, care, incidents.
    Sensitive,
    /// Anyone who has it can sign in as another user.
    Secret,
}

impl Classification {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Personal => "personal",
            Self::Sensitive => "sensitive",
            Self::Secret => "secret",
        }
    }
}
