//! Names of copies: where a name can be there once, a copy gets another one.

use std::collections::{HashMap, HashSet};

use super::references::{Values, json_text, text_of};

/// The names that are taken in one table.
pub struct UniqueNames {
    pub column: String,
    folds_case: bool,
    taken: HashSet<String>,
    /// The number that each name has got last: a thousand equal names are not tried a million times.
    last: HashMap<String, u64>,
}

impl UniqueNames {
    pub fn new(column: String, folds_case: bool) -> Self {
        Self { column, folds_case, taken: HashSet::new(), last: HashMap::new() }
    }

    /// Says that the name is taken.
    pub fn take(&mut self, name: &str) {
        self.taken.insert(self.folded(name));
    }

    /// Gives the record a name that nothing else has, and returns it: `Acme (2)`, or `acme-2` where it may be a part of an address.
    pub fn make_unique(&mut self, values: &mut Values) -> Option<String> {
        let name = values.get(&self.column).and_then(|json| text_of(json))?;
        let mut candidate = name.clone();
        let folded = self.folded(&name);
        let first = self.last.get(&folded).copied().unwrap_or(1);
        let mut number = first;
        if first > 1 {
            candidate = numbered(&name, number);
        }
        while !self.taken.insert(self.folded(&candidate)) {
            number += 1;
            candidate = numbered(&name, number);
        }
        if number > 1 {
            self.last.insert(folded, number);
            values.insert(self.column.clone(), json_text(&candidate));
        }
        Some(candidate)
    }

    fn folded(&self, name: &str) -> String {
        if self.folds_case { name.to_ascii_lowercase() } else { name.to_owned() }
    }
}

/// The name with a number.
pub fn numbered(name: &str, number: u64) -> String {
    let is_slug = name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'));
    if is_slug { format!("{name}-{number}") } else { format!("{name} ({number})") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_taken_gets_a_number() {
        let mut names = UniqueNames::new("name".to_owned(), true);
        names.take("Acme");
        let mut unique = |name: &str| {
            let mut values = Values::from([("name".to_owned(), json_text(name))]);
            names.make_unique(&mut values);
            text_of(&values["name"]).unwrap()
        };
        assert_eq!(unique("ACME"), "ACME (2)");
        assert_eq!(unique("Acme"), "Acme (3)");
        assert_eq!(unique("Acme (2)"), "Acme (2) (2)");
        assert_eq!(unique("Other"), "Other");
        assert_eq!([unique("my-team"), unique("my-team"), unique("my-team")], ["my-team", "my-team-2", "my-team-3"]);
    }
}
