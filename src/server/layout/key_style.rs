//! Names of columns as keys of a document.

use crate::server::profile::KeyStyle;

/// The key for a column.
pub fn key(style: KeyStyle, column: &str) -> String {
    match style {
        KeyStyle::CamelCase => camel_case(column),
    }
}

fn camel_case(column: &str) -> String {
    let mut key = String::with_capacity(column.len());
    let mut is_word_start = false;
    for letter in column.chars() {
        match letter {
            '_' => is_word_start = !key.is_empty(),
            letter if is_word_start => {
                key.extend(letter.to_uppercase());
                is_word_start = false;
            }
            letter => key.push(letter),
        }
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_joined_and_begin_with_a_capital_but_for_the_first() {
        for (column, expected) in [("id", "id"), ("organization_id", "organizationId"), ("is_read__at", "isReadAt")] {
            assert_eq!(key(KeyStyle::CamelCase, column), expected);
        }
    }
}
