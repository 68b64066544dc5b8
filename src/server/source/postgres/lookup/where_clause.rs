//! Conditions of a lookup as SQL.

use super::super::super::{AcceptedValue, Predicate, Result};
use super::super::double_quote_identifier;
use super::plain_table::{PlainColumn, PlainTable};
use crate::model::name::TableName;

/// OID of `text` (`pg_type.dat`).
const TEXT_OID: u32 = 25;

/// The parameters of a WHERE clause: values, and the OID of each one's type.
#[derive(Default)]
pub struct BindParams<'a> {
    pub types: Vec<u32>,
    pub values: Vec<&'a str>,
}

impl<'a> BindParams<'a> {
    /// Returns the SQL for the conjunction of `conditions`.
    pub fn where_sql(&mut self, name: &TableName, table: &PlainTable, conditions: &[Predicate<'a>]) -> Result<String> {
        let predicates: Vec<String> = conditions
            .iter()
            .map(|condition| Ok(self.predicate_sql(table.column(name, condition.column)?, &condition.any_of)))
            .collect::<Result<_>>()?;
        Ok(predicates.join(" AND "))
    }

    fn predicate_sql(&mut self, column: &PlainColumn, accepted: &[AcceptedValue<'a>]) -> String {
        let texts = accepted.iter().filter(|accepted| matches!(accepted, AcceptedValue::Text(_))).count();
        let alternative = |accepted: &AcceptedValue<'a>| match accepted {
            AcceptedValue::Null => format!("{} IS NULL", double_quote_identifier(&column.name)),
            AcceptedValue::NotNull => format!("{} IS NOT NULL", double_quote_identifier(&column.name)),
            AcceptedValue::Text(value) if texts == 1 => self.equals_sql(column, value),
            // Several texts may be spellings of a boolean, which differ between engines: compared as text.
            AcceptedValue::Text(value) => self.text_equals_sql(column, value),
        };
        format!("({})", accepted.iter().map(alternative).collect::<Vec<_>>().join(" OR "))
    }

    /// Compares in the column's own type, so that an index can be used.
    fn equals_sql(&mut self, column: &PlainColumn, value: &'a str) -> String {
        match &column.equals_prefix {
            Some(equals) => format!("{equals} ${}", self.bind(column.type_oid, value)),
            None => self.text_equals_sql(column, value),
        }
    }

    fn text_equals_sql(&mut self, column: &PlainColumn, value: &'a str) -> String {
        format!("{} OPERATOR(pg_catalog.=) ${}", column.text_sql, self.bind(TEXT_OID, value))
    }

    /// Adds a text and returns its number.
    pub fn bind_text(&mut self, value: &'a str) -> usize {
        self.bind(TEXT_OID, value)
    }

    fn bind(&mut self, type_oid: u32, value: &'a str) -> usize {
        self.types.push(type_oid);
        self.values.push(value);
        self.values.len()
    }
}
