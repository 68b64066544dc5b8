//! Conditions of a lookup as SQL.

use super::super::{AcceptedValue, Predicate, double_quote_identifier};

/// A WHERE clause and its values.
pub struct WhereClause<'a> {
    pub sql: String,
    pub values: Vec<&'a str>,
}

impl<'a> WhereClause<'a> {
    pub fn new(conditions: &[Predicate<'a>]) -> Self {
        let mut values = Vec::new();
        let mut test = |Predicate { column, any_of }: &Predicate<'a>| {
            let column = double_quote_identifier(column);
            let texts = any_of.iter().filter(|accepted| matches!(accepted, AcceptedValue::Text(_))).count();
            let alternative = |accepted: &AcceptedValue<'a>| match accepted {
                AcceptedValue::Null => format!("{column} IS NULL"),
                AcceptedValue::NotNull => format!("{column} IS NOT NULL"),
                AcceptedValue::Text(text) => {
                    values.push(*text);
                    // Without a cast, an index can be used. Several texts may be spellings of a boolean, which
                    // differ: compared as text.
                    if texts == 1 { format!("{column} = ?") } else { format!("CAST({column} AS TEXT) = ?") }
                }
            };
            format!("({})", any_of.iter().map(alternative).collect::<Vec<_>>().join(" OR "))
        };
        let sql = conditions.iter().map(&mut test).collect::<Vec<_>>().join(" AND ");
        Self { sql, values }
    }
}
