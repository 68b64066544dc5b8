//! References inside a value: in JSON, and in lists in a text. They are compared as texts.

use super::double_quote_identifier;
use crate::server::rows::{ForeignKey, JsonPath, JsonStep, Referring};

/// The query whose rows are the values by which rows refer; nothing where whole columns refer. `from` has the rows of the alias
/// (`main.files AS c WHERE …`), or is nothing where the alias is known already.
pub fn values_sql(alias: &str, key: &ForeignKey, from: Option<(&str, &str)>) -> Option<String> {
    let column = format!("{alias}.{}", double_quote_identifier(key.columns.first()?));
    match &key.referring {
        Referring::Columns => None,
        Referring::Json(path) => Some(json_sql(&column, path, from)),
        Referring::List(separator) => Some(list_sql(&column, separator, from)),
    }
}

/// What is no JSON refers to nothing.
fn json_sql(column: &str, path: &JsonPath, from: Option<(&str, &str)>) -> String {
    let mut document = format!("CASE WHEN json_valid({column}) THEN {column} END");
    let (mut place, mut value) = ("$".to_owned(), None);
    let mut items: Vec<String> = from.iter().map(|(rows, _)| (*rows).to_owned()).collect();
    let mut conditions: Vec<String> = from.iter().map(|(_, condition)| (*condition).to_owned()).collect();
    for (number, step) in path.0.iter().enumerate() {
        match step {
            JsonStep::Member(name) => place = format!("{place}.\"{name}\""),
            JsonStep::Elements => {
                items.push(format!("json_each({document}, '{place}') AS e{number}"));
                conditions.push(format!("json_type({document}, '{place}') = 'array'"));
                document = format!("CASE WHEN e{number}.type IN ('object', 'array') THEN e{number}.value END");
                (place, value) = ("$".to_owned(), Some(format!("e{number}")));
            }
        }
    }
    let (value, kind) = match value {
        Some(element) if place == "$" => (format!("{element}.value"), format!("{element}.type")),
        _ => (format!("json_extract({document}, '{place}')"), format!("json_type({document}, '{place}')")),
    };
    // SQLite takes true for 1.
    conditions.push(format!("{kind} IN ('text', 'integer', 'real')"));
    let from = if items.is_empty() { String::new() } else { format!(" FROM {}", items.join(", ")) };
    format!("SELECT CAST({value} AS TEXT){from} WHERE {}", conditions.join(" AND "))
}

/// Takes one part after the other off the text.
fn list_sql(column: &str, separator: &str, from: Option<(&str, &str)>) -> String {
    let rows = from.map_or_else(String::new, |(rows, condition)| format!(" FROM {rows} WHERE {condition}"));
    let length = separator.chars().count();
    format!(
        "WITH RECURSIVE parts (rest, part) AS (\
         SELECT CAST({column} AS TEXT) || '{separator}', NULL{rows} \
         UNION ALL SELECT substr(rest, instr(rest, '{separator}') + {length}), trim(substr(rest, 1, instr(rest, '{separator}') - 1)) \
         FROM parts WHERE rest <> ''\
         ) SELECT part FROM parts WHERE part IS NOT NULL"
    )
}
