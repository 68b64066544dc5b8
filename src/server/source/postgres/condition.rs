//! Conditions on the values of a row `t`.

use super::super::Result;
use super::catalog::Relation;
use super::double_quote_identifier;
use super::row_key::column;
use crate::model::name::TableName;
use crate::server::rows::Condition;

pub fn all_null_sql(columns: &[String]) -> String {
    let all: Vec<String> =
        columns.iter().map(|column| format!("t.{} IS NULL", double_quote_identifier(column))).collect();
    if all.is_empty() { "TRUE".to_owned() } else { all.join(" AND ") }
}

/// The condition on a row `t` of the table. Values that somebody typed are compared as text: one that is none of the
/// column's type must find nothing, and not end the transaction. Bounds are compared in the column's type. The values are
/// added to `values`, as the parameters that the condition names.
pub fn condition_sql(
    relation: &Relation,
    table: &TableName,
    condition: &Condition,
    values: &mut Vec<String>,
) -> Result<String> {
    match condition {
        Condition::AnyOf { values: any_of, .. } if any_of.is_empty() => Ok("FALSE".to_owned()),
        Condition::AnyOf { column: name, values: any_of } => {
            let column = column(relation, table, name)?;
            let parameters = any_of.iter().map(|value| {
                values.push(value.clone());
                format!("CAST(${} AS text)", values.len())
            });
            let parameters = parameters.collect::<Vec<_>>().join(", ");
            Ok(format!("{} IN ({parameters})", column.as_text("t")))
        }
        Condition::Range { column: name, from, to } => {
            let column = column(relation, table, name)?;
            let compared = column.compared("t");
            let mut conditions = vec![format!("{compared} IS NOT NULL")];
            for (bound, operator) in [(from, ">="), (to, "<")] {
                if let Some(bound) = bound {
                    values.push(bound.to_string());
                    conditions.push(format!("{compared} {operator} {}", column.parameter(values.len())));
                }
            }
            Ok(conditions.join(" AND "))
        }
        Condition::Either(conditions) => {
            let alternatives = conditions.iter().map(|condition| condition_sql(relation, table, condition, values));
            Ok(or(&alternatives.collect::<Result<Vec<_>>>()?))
        }
    }
}

pub fn or(conditions: &[String]) -> String {
    if conditions.is_empty() { "FALSE".to_owned() } else { format!("({})", conditions.join(" OR ")) }
}
