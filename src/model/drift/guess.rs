//! Guessed classifications, where no profile says what a column is.

use serde::{Deserialize, Serialize};

use crate::model::classification::Classification;
use crate::model::name::FieldName;

/// Columns in both lists whose guessed class differs. Compares the texts of names, since `before` was stored as text.
#[must_use]
pub fn find_reclassified(before: &[Guess], now: &[Guess]) -> Vec<Reclassified> {
    let before: Vec<(String, Classification)> =
        before.iter().map(|guess| (guess.field.to_string(), guess.class)).collect();
    let changed = now.iter().filter_map(|guess| {
        let field = guess.field.to_string();
        let (_, was) = before.iter().find(|(old, class)| *old == field && *class != guess.class)?;
        Some(Reclassified { field: guess.field.clone(), was: *was, is: guess.class })
    });
    changed.collect()
}

/// A guessed classification, not confirmed by anyone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guess {
    pub field: FieldName,
    pub class: Classification,
    pub reason: String,
    /// The profile line that would export a column which is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<ProfileLine>,
}

/// A profile line, and the header of the section that it belongs under.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileLine {
    pub under: String,
    pub line: String,
}

/// A column whose guessed class has changed since the previous export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reclassified {
    pub field: FieldName,
    pub was: Classification,
    pub is: Classification,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str) -> FieldName {
        name.to_owned().try_into().unwrap()
    }

    #[test]
    fn a_class_that_is_guessed_otherwise_is_named() {
        let guess = |field: &str, class| Guess { field: self::field(field), class, reason: String::new(), line: None };
        let before = [guess("users.pin", Classification::Plain), guess("users.id", Classification::Plain)];
        let now = [
            guess("users.pin", Classification::Secret),
            guess("users.id", Classification::Plain),
            guess("new.x", Classification::Secret),
        ];
        let changed =
            Reclassified { field: field("users.pin"), was: Classification::Plain, is: Classification::Secret };
        assert_eq!(find_reclassified(&before, &now), [changed]);
    }
}
