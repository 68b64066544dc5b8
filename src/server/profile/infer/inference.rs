//! A guessed class, and the tests that every guess begins with.

use super::name::Name;
use crate::model::catalog::ColumnSchema;
use crate::model::classification::Classification;
use crate::server::rows::Table;

/// A guessed class with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inference {
    pub class: Classification,
    pub reason: String,
}

impl Inference {
    pub fn new(class: Classification, reason: impl Into<String>) -> Self {
        Self { class, reason: reason.into() }
    }

    pub fn secret(reason: impl Into<String>) -> Self {
        Self::new(Classification::Secret, reason)
    }
}

pub fn from_name_word(class: Classification, word: &str) -> Inference {
    Inference::new(class, format!("its name says \"{word}\""))
}

pub fn is_key(table: &Table, column: &ColumnSchema, name: &Name) -> bool {
    let snake = name.to_snake_case();
    // `magic_id` and `access_id` are keys only if the database declares them as such.
    let by_name = (snake == "id" || snake.ends_with("_id") || snake == "uuid") && name.suspicious_word().is_none();
    by_name || column.references.is_some() || table.primary_key == [column.name.as_str()]
}
