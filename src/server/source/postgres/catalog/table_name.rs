//! How schema and table become one name, and how that name is taken apart again.

use super::super::double_quote_identifier;
use crate::model::name::TableName;

/// The exported name: bare in `public`, otherwise `schema.table`. A part that contains a dot or a quote is quoted, so
/// that no two tables share a name.
pub fn join_name(schema: &str, name: &str) -> TableName {
    let part = |text: &str| if text.contains(['.', '"']) { double_quote_identifier(text) } else { text.to_owned() };
    if schema == "public" { part(name).into() } else { format!("{}.{}", part(schema), part(name)).into() }
}

/// Splits the output of `join_name` into schema and name; `None` if it has more than two parts.
pub fn split_name(name: &TableName) -> Option<(String, String)> {
    let mut parts = vec![String::new()];
    let mut is_quoted = false;
    let mut rest = name.as_str().chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' if is_quoted && rest.peek() == Some(&'"') => parts.last_mut()?.extend(rest.next()),
            '"' => is_quoted = !is_quoted,
            '.' if !is_quoted => parts.push(String::new()),
            c => parts.last_mut()?.push(c),
        }
    }
    match <[String; 2]>::try_from(parts) {
        Ok([schema, table]) => Some((schema, table)),
        Err(mut single) => (single.len() == 1).then(|| ("public".to_owned(), single.remove(0))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_label_is_taken_apart_into_what_it_was_made_of(schema in any::<String>(), name in any::<String>()) {
            prop_assert_eq!(split_name(&join_name(&schema, &name)), Some((schema, name)));
        }
    }
}
