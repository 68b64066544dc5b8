//! Sequences after an import.

use super::super::super::Result;
use super::super::catalog::Relation;
use super::super::database_session::DatabaseSession;
use super::super::{double_quote_identifier, error};

/// The sequences that fill columns of a table, and count upwards.
const SEQUENCES_QUERY: &str = "
    SELECT CAST(a.attname AS text) AS name, CAST(CAST(s.seqrelid AS regclass) AS text) AS sequence,
           CAST(s.seqrelid AS text) AS oid
      FROM pg_attribute a
      JOIN pg_sequence s ON s.seqrelid = CAST(pg_get_serial_sequence(
           CAST(CAST(CAST(CAST($1 AS text) AS oid) AS regclass) AS text), CAST(a.attname AS text)) AS regclass)
     WHERE a.attrelid = CAST(CAST($1 AS text) AS oid) AND a.attnum > 0 AND NOT a.attisdropped AND s.seqincrement > 0
       AND a.atttypid IN (CAST('int2' AS regtype), CAST('int4' AS regtype), CAST('int8' AS regtype))";

/// Sets the table's sequences behind the highest values that they can reach, so that the application's next row gets a new one.
pub fn advance(session: &mut DatabaseSession, relation: &Relation) -> Result<()> {
    for row in session.fetch(SEQUENCES_QUERY, &[&relation.oid.to_string()])? {
        let text = |column| row.text(column).map_err(error::map_error);
        let (column, sequence, oid) = (double_quote_identifier(text("name")?), text("sequence")?, text("oid")?);
        // The last value that a sequence can give would leave none for the application.
        let sql = format!(
            "SELECT setval(CAST(CAST($1 AS text) AS oid), highest) AS value FROM \
             (SELECT max({column}) AS highest FROM {table} WHERE {column} < \
              (SELECT seqmax FROM pg_sequence WHERE seqrelid = CAST(CAST($1 AS text) AS oid))) AS rows, \
             {sequence} AS sequence WHERE highest >= sequence.last_value",
            table = relation.from_item
        );
        session.fetch(&sql, &[oid])?;
    }
    Ok(())
}
