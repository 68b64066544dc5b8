//! References inside a value: in JSON, and in lists in a text. They are compared as texts.

use super::super::Result;
use super::catalog::{RelationColumn, Schema};
use super::decode::PgType;
use super::row_key::column;
use crate::model::name::TableName;
use crate::server::rows::{ForeignKey, JsonPath, JsonStep, Referring};

/// The query whose rows are the values by which the row of this alias refers; nothing where whole columns refer.
pub fn values_sql(schema: &Schema, table: &TableName, alias: &str, key: &ForeignKey) -> Result<Option<String>> {
    let Some(name) = key.columns.first() else { return Ok(None) };
    let column = column(schema.relation(table)?, table, name)?;
    let text = column.as_text(alias);
    Ok(match &key.referring {
        Referring::Columns => None,
        Referring::Json(path) => Some(json_sql(column, alias, path)),
        Referring::List(separator) => Some(format!(
            "SELECT pg_catalog.btrim(e) FROM pg_catalog.unnest(pg_catalog.string_to_array({text}, '{separator}')) AS e"
        )),
    })
}

/// A column of another type than json and jsonb refers to nothing, and so does JSON with a zero character, which jsonb refuses. Not a path of PostgreSQL's own, which
/// takes an object for a list of one (PostgreSQL manual, 9.16.2.2).
fn json_sql(column: &RelationColumn, alias: &str, path: &JsonPath) -> String {
    let text = column.as_text(alias);
    let mut value = if matches!(column.pg_type, PgType::Json | PgType::Jsonb) {
        format!("(CASE WHEN pg_catalog.strpos({text}, '\\u0000') = 0 THEN CAST({text} AS pg_catalog.jsonb) END)")
    } else {
        "CAST(NULL AS pg_catalog.jsonb)".to_owned()
    };
    let mut items = vec!["(SELECT 1) AS one".to_owned()];
    for (number, step) in path.0.iter().enumerate() {
        match step {
            JsonStep::Member(name) => {
                value = format!("({value} OPERATOR(pg_catalog.->) CAST('{name}' AS pg_catalog.text))");
            }
            JsonStep::Elements => {
                let list = format!("CASE WHEN pg_catalog.jsonb_typeof({value}) = 'array' THEN {value} END");
                items.push(format!("LATERAL pg_catalog.jsonb_array_elements({list}) AS e{number} (v)"));
                value = format!("e{number}.v");
            }
        }
    }
    let from = items.join(" CROSS JOIN ");
    format!(
        "SELECT {value} OPERATOR(pg_catalog.#>>) CAST('{{}}' AS pg_catalog.text[]) FROM {from} \
         WHERE pg_catalog.jsonb_typeof({value}) IN ('string', 'number')"
    )
}

/// The column of the row of this alias that is referred to, as a text.
pub fn referred_text(schema: &Schema, table: &TableName, alias: &str, key: &ForeignKey) -> Result<String> {
    let name = key.target_columns.first().map_or("", String::as_str);
    Ok(column(schema.relation(table)?, table, name)?.as_text(alias))
}
