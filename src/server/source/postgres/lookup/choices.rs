//! `Source::list_choices`. Every function and operator is PostgreSQL's own.

use super::super::super::choices::MAX_COUNTED;
use super::super::super::{Choice, ChoiceQuery, Choices, MAX_LOOKUP_CHARS, Result};
use super::super::database_session::{DatabaseSession, parse_rows};
use super::super::error;
use super::plain_table::resolve_table;
use super::where_clause::BindParams;

pub fn list_choices(session: &mut DatabaseSession, query: &ChoiceQuery<'_>) -> Result<Choices> {
    let plain = resolve_table(session, query.table)?;
    let key = &plain.column(query.table, query.key)?.text_sql;
    // A column may have a collation in which nothing can be searched; the database's own never is one.
    let name = &plain.column(query.table, query.show)?.text_sql;
    let name = format!("(COALESCE({name}, '') COLLATE pg_catalog.\"default\")");
    let lower = |text: &str| format!("pg_catalog.lower({text})");
    let mut params = BindParams::default();
    let mut conditions = params.where_sql(query.table, &plain, query.conditions)?;
    if !conditions.is_empty() {
        conditions += " AND ";
    }
    let text = params.bind_text(query.search);
    let where_sql = format!(
        "{conditions}(pg_catalog.strpos({}, {}) OPERATOR(pg_catalog.>) 0 OR {key} OPERATOR(pg_catalog.=) ${text})",
        lower(&name),
        lower(&format!("(${text} COLLATE pg_catalog.\"default\")"))
    );
    let cut = |expression: &str| format!("pg_catalog.substr({expression}, 1, {MAX_LOOKUP_CHARS})");
    let sql = format!(
        "SELECT {} AS choice_key, {} AS choice_name FROM {} WHERE {where_sql} ORDER BY {}, {name}, {key} LIMIT {}",
        cut(key),
        cut(&name),
        plain.from_item,
        lower(&name),
        query.limit
    );
    let count = format!(
        "SELECT pg_catalog.count(*) AS records FROM (SELECT 1 FROM {} WHERE {where_sql} LIMIT {}) AS found",
        plain.from_item,
        MAX_COUNTED + 1
    );
    let found = match session.fetch_typed(&sql, &params.types, &params.values) {
        // A value of a condition is not valid for its column's type, so no row matches.
        Err(error) if error::is_invalid_value(&error) => return Ok(Choices::default()),
        rows => rows?,
    };
    let first = parse_rows(&found, |row| {
        let text = |column| row.text(column).map(str::to_owned);
        Ok(Choice { key: text("choice_key")?, name: text("choice_name")? })
    })?;
    let counted = session.fetch_typed(&count, &params.types, &params.values)?;
    let counted = counted.first().ok_or_else(error::invalid_message)?.parse("records").map_err(error::map_error)?;
    Ok(Choices::new(first, counted))
}
