//! The conditions of a profile, as the source looks for them and as they are checked on a row.

use std::collections::BTreeMap;

use crate::server::profile::{Comparison, ConditionValue};
use crate::server::source::{AcceptedValue, Predicate};

/// Whether the values of these columns are all ones that the profile asks for.
pub fn meets_all(values: &BTreeMap<String, Option<String>>, conditions: &BTreeMap<String, Comparison>) -> bool {
    let meets = |(column, comparison): (&String, &Comparison)| {
        values.get(column).is_some_and(|value| comparison.accepts(value.as_deref()))
    };
    conditions.iter().all(meets)
}

/// The values that conditions accept, by column. Predicates borrow them.
pub fn expected_values(when: &BTreeMap<String, Comparison>) -> Vec<(&str, Vec<ConditionValue>)> {
    when.iter().map(|(column, comparison)| (column.as_str(), comparison.accepted_values())).collect()
}

/// A condition of one column, as a predicate.
pub fn to_predicate<'a>((column, wanted): &'a (&str, Vec<ConditionValue>)) -> Predicate<'a> {
    let to_accepted = |wanted: &'a ConditionValue| match wanted {
        ConditionValue::Text(text) => AcceptedValue::Text(text),
        ConditionValue::Null => AcceptedValue::Null,
        ConditionValue::NotNull => AcceptedValue::NotNull,
    };
    Predicate { column, any_of: wanted.iter().map(to_accepted).collect() }
}
