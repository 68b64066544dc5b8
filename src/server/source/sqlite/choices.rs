//! `Source::list_choices`.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, params_from_iter};

use super::super::choices::MAX_COUNTED;
use super::super::{Choice, ChoiceQuery, Choices, MAX_LOOKUP_CHARS, Result, double_quote_identifier};
use super::where_clause::WhereClause;

/// How long a search may take.
const TIME_LIMIT: Duration = Duration::from_secs(3);

pub fn list_choices(connection: &Connection, query: &ChoiceQuery<'_>) -> Result<Choices> {
    let handle = connection.get_interrupt_handle();
    let (ended, waiting) = channel::<()>();
    std::thread::spawn(move || {
        if waiting.recv_timeout(TIME_LIMIT) == Err(RecvTimeoutError::Timeout) {
            handle.interrupt();
        }
    });
    let listed = search(connection, query);
    drop(ended);
    listed
}

fn search(connection: &Connection, query: &ChoiceQuery<'_>) -> Result<Choices> {
    let table = double_quote_identifier(query.table.as_str());
    let text = |column: &str| format!("CAST({} AS TEXT)", double_quote_identifier(column));
    let (key, name) = (text(query.key), format!("coalesce({}, '')", text(query.show)));
    let WhereClause { sql: conditions, mut values } = WhereClause::new(query.conditions);
    let matches = format!("(instr(lower({name}), lower(?)) > 0 OR {key} = ?)");
    let where_sql = if conditions.is_empty() { matches } else { format!("{conditions} AND {matches}") };
    values.extend([query.search, query.search]);
    let cut = |expression: &str| format!("substr({expression}, 1, {MAX_LOOKUP_CHARS})");
    let sql = format!(
        "SELECT {} AS choice_key, {} AS choice_name FROM {table} WHERE {where_sql} ORDER BY lower({name}), {name}, {key} LIMIT {}",
        cut(&key),
        cut(&name),
        query.limit
    );
    let mut statement = connection.prepare(&sql)?;
    let first = statement.query_map(params_from_iter(&values), read)?.collect::<rusqlite::Result<_>>()?;
    let counted = format!("SELECT count(*) FROM (SELECT 1 FROM {table} WHERE {where_sql} LIMIT {})", MAX_COUNTED + 1);
    let counted = connection.prepare(&counted)?.query_row(params_from_iter(&values), |row| row.get(0))?;
    Ok(Choices::new(first, counted))
}

fn read(row: &Row<'_>) -> rusqlite::Result<Choice> {
    // A value that SQLite takes for text need not be UTF-8.
    let text = |column: &str| match row.get_ref(column) {
        Ok(ValueRef::Text(bytes) | ValueRef::Blob(bytes)) => Ok(String::from_utf8_lossy(bytes).into_owned()),
        other => other.map(|_| String::new()),
    };
    Ok(Choice { key: text("choice_key")?, name: text("choice_name")? })
}
