//! Recognises personal and sensitive columns by name and values.

use super::inference::{Inference, from_name_word, is_key};
use super::name::Name;
use super::pattern_counts::PatternCounts;
use super::person_words::{
    FREE_TEXT_WORDS, PEOPLE_TABLES, PERSONAL_WORDS, PERSONAL_WORDS_TRANSLATED, SENSITIVE_WORDS,
    SENSITIVE_WORDS_TRANSLATED,
};
use crate::model::catalog::{Codec, ColumnSchema};
use crate::model::classification::Classification;
use crate::server::rows::Table;

/// Guesses personal or sensitive; `None` where nothing points at a person.
pub fn infer_personal(
    table: &Table,
    column: &ColumnSchema,
    name: &Name,
    counts: Option<&PatternCounts>,
) -> Option<Inference> {
    let snake = name.to_snake_case();
    let find_word = |words: &[&'static str]| words.iter().find(|word| contains_word(&snake, word)).copied();
    let is_key = is_key(table, column, name);
    // `contact_id` only refers to a contact; a key that is an e-mail address is personal.
    let is_reference = is_key && (snake.ends_with("id") || snake.ends_with("uuid")) && snake != "device_id";
    let has_content = !is_reference
        && matches!(column.codec, Codec::Text | Codec::Json | Codec::Dynamic | Codec::Date | Codec::Native);
    if let Some(word) = find_word(&SENSITIVE_WORDS).filter(|_| has_content) {
        return Some(from_name_word(Classification::Sensitive, word));
    }
    let reason_by_values = counts.and_then(|counts| {
        let kinds = [
            (counts.emails, "values look like e-mail addresses"),
            (counts.phones, "values look like phone numbers"),
            (counts.ip_addresses, "values look like IP addresses"),
        ];
        kinds.into_iter().find(|(count, _)| counts.is_dominant(*count)).map(|(_, reason)| reason)
    });
    if let Some(reason) = reason_by_values {
        return Some(Inference::new(Classification::Personal, reason));
    }
    if let Some(word) = find_word(&PERSONAL_WORDS).filter(|_| !is_reference) {
        return Some(from_name_word(Classification::Personal, word));
    }
    if snake == "name"
        && PEOPLE_TABLES.iter().any(|people| Name::new(table.name.as_str()).to_snake_case().contains(people))
    {
        return Some(Inference::new(Classification::Personal, "a name in a table of people"));
    }
    let translated = [
        (Classification::Sensitive, &SENSITIVE_WORDS_TRANSLATED),
        (Classification::Personal, &PERSONAL_WORDS_TRANSLATED),
    ];
    let by_translated_word = translated.into_iter().find_map(|(class, words)| {
        let word = words.all().iter().find(|word| name.has_word(&[*word]) || name.is_any_of(&[*word]))?;
        Some(from_name_word(class, word))
    });
    if by_translated_word.is_some() && !is_reference {
        return by_translated_word;
    }
    let word = find_word(&FREE_TEXT_WORDS).filter(|_| has_content)?;
    Some(Inference::new(Classification::Personal, format!("free text (\"{word}\") may name people")))
}

/// Whether a part of the name begins with the word: `race` is found in `race_day`, not in `trace`.
pub fn contains_word(name: &str, word: &str) -> bool {
    name.match_indices(word).any(|(at, _)| {
        let begins = at == 0 || name.as_bytes()[at - 1] == b'_';
        // Under five characters, the part must end after the word, or go on with an `s`: "zip" is not in "zipper".
        let ends = name.as_bytes().get(at + word.len()).is_none_or(|next| *next == b'_' || *next == b's');
        begins && (ends || word.len() >= 5)
    })
}
