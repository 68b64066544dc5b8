//! What a dry run finds out about unique indexes: values of the staged records that another record has already.

use super::super::super::Result;
use super::super::super::target::TableLoad;
use super::super::catalog::{Relation, Schema};
use super::super::client::{self, Row};
use super::super::database_session::{DatabaseSession, parse_rows};
use super::super::row_key::{equal, expressions};
use super::removal::stays_sql;
use super::staging::StagedTable;
use crate::model::import::TableMode;
use crate::model::text;

/// Indexes of expressions, and of some rows only, are left to the import itself.
const UNIQUE_INDEXES_QUERY: &str = "
    SELECT CAST(c.relname AS text) AS name,
           to_json(ARRAY(SELECT CAST(a.attname AS text) FROM unnest(i.indkey) WITH ORDINALITY u(num, at)
                   JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = u.num
                  WHERE u.at <= i.indnkeyatts ORDER BY u.at)) AS columns
      FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
     WHERE CAST(i.indrelid AS bigint) = CAST($1 AS bigint) AND i.indisunique AND i.indisvalid AND NOT i.indisprimary
       AND i.indpred IS NULL AND i.indexprs IS NULL ORDER BY 1";

struct UniqueIndex {
    name: String,
    columns: Vec<String>,
}

impl UniqueIndex {
    fn from_row(row: &Row) -> client::Result<Self> {
        let columns = serde_json::from_str(row.text("columns")?).unwrap_or_default();
        Ok(Self { name: row.parse("name")?, columns })
    }
}

/// Returns a sentence for each index in which staged records have values of others.
pub fn find_taken(
    session: &mut DatabaseSession,
    schema: &Schema,
    tables: &[(&TableLoad, &StagedTable)],
) -> Result<Vec<String>> {
    let mut taken = Vec::new();
    for (load, staged) in tables.iter().filter(|(load, _)| load.mode != TableMode::RequireEmpty) {
        let relation = schema.relation(&load.table)?;
        let indexes = session.fetch(UNIQUE_INDEXES_QUERY, &[&relation.oid.to_string()])?;
        for UniqueIndex { name, columns } in parse_rows(&indexes, UniqueIndex::from_row)? {
            if !columns.iter().all(|column| load.columns.contains(column)) {
                continue;
            }
            let Some(sql) = taken_sql(load, staged, relation, &columns) else { continue };
            let records = session.fetch_count(&sql, &[])?;
            if records > 0 {
                let (records, columns) = (text::count_with_noun(records, "record"), columns.join(", "));
                taken.push(format!("{records} of {} would have the {columns} of another one ({name})", load.table));
            }
        }
    }
    Ok(taken)
}

/// Counts the staged records with the values of another one that keeps them: one that the file changes may make room. Of columns that
/// records keep, the file's values count for new records only. Nothing for types that only their owner's operators compare.
fn taken_sql(load: &TableLoad, staged: &StagedTable, relation: &Relation, columns: &[String]) -> Option<String> {
    let of = |alias: &str, names: &[String]| expressions(relation, &load.table, alias, names).ok();
    let has_values = equal(&of("s", columns)?, &of("t", columns)?);
    let (from, rows) = (&relation.from_item, staged.name());
    let is_other = if load.key.is_empty() || load.mode == TableMode::Append {
        String::new()
    } else {
        let is_same = equal(&of("s", &load.key)?, &of("t", &load.key)?);
        let is_that_row = equal(&of("o", &load.key)?, &of("t", &load.key)?);
        let keeps_values = equal(&of("o", columns)?, &of("t", columns)?);
        if columns.iter().any(|column| load.kept.contains(column)) {
            let is_there = equal(&of("s", &load.key)?, &of("e", &load.key)?);
            format!(" AND NOT EXISTS (SELECT 1 FROM {from} AS e WHERE {is_there})")
        } else {
            format!(
                " AND NOT ({is_same}) AND NOT EXISTS (SELECT 1 FROM {rows} AS o WHERE {is_that_row} AND ({keeps_values}) IS NOT TRUE)"
            )
        }
    };
    let stays = stays_sql(staged.number(), load, "t");
    Some(format!(
        "SELECT count(*) AS records FROM {rows} AS s JOIN {from} AS t ON {has_values} WHERE true{is_other}{stays}"
    ))
}
