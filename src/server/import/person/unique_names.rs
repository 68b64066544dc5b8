//! Names of copies: where a person can have a name once, a copy gets another one.

use std::collections::{HashMap, HashSet};

use super::references::{Values, json_text, text_of};
use super::table_shape::TableShape;
use crate::model::catalog::Codec;
use crate::server::profile::Profile;

/// The names that a person has in one table.
pub struct UniqueNames {
    pub column: String,
    folds_case: bool,
    taken: HashSet<String>,
    /// The number that each name has got last: a thousand equal names are not tried a million times.
    last: HashMap<String, u64>,
}

impl UniqueNames {
    /// The column whose values a person can have once, as the profile's natural keys say; nothing if there is none.
    pub fn find(shape: &TableShape, profile: &Profile) -> Option<Self> {
        let merge = profile.merge_rules(&shape.table)?;
        let key = merge.natural_keys.iter().find(|key| key.contains(&shape.owner))?;
        let is_name = |name: &&String| {
            let is_text = |column: &&crate::model::catalog::ColumnSchema| column.codec == Codec::Text;
            !shape.references.iter().any(|key| key.columns[0] == **name)
                && !shape.people.contains(*name)
                && shape.columns.iter().filter(is_text).any(|column| column.name == **name)
        };
        let column = key.iter().find(is_name)?.clone();
        Some(Self {
            folds_case: merge.fold_case.contains(&column),
            column,
            taken: HashSet::new(),
            last: HashMap::new(),
        })
    }

    /// Says that the person has this name already.
    pub fn take(&mut self, name: &str) {
        self.taken.insert(self.folded(name));
    }

    /// Gives the record a name that nothing else has: `Acme (2)`.
    pub fn make_unique(&mut self, values: &mut Values) {
        let Some(name) = values.get(&self.column).and_then(|json| text_of(json)) else { return };
        let mut candidate = name.clone();
        let folded = self.folded(&name);
        let first = self.last.get(&folded).copied().unwrap_or(1);
        let mut number = first;
        if first > 1 {
            candidate = format!("{name} ({number})");
        }
        while !self.taken.insert(self.folded(&candidate)) {
            number += 1;
            candidate = format!("{name} ({number})");
        }
        if number > 1 {
            self.last.insert(folded, number);
            values.insert(self.column.clone(), json_text(&candidate));
        }
    }

    fn folded(&self, name: &str) -> String {
        if self.folds_case { name.to_ascii_lowercase() } else { name.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_taken_gets_a_number() {
        let mut names =
            UniqueNames { column: "name".to_owned(), folds_case: true, taken: HashSet::new(), last: HashMap::new() };
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
    }
}
