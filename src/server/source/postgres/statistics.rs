//! How many rows tables and statements have: what PostgreSQL knows without reading them, and what was counted.

use std::collections::BTreeMap;

use super::super::Result;
use super::catalog::{Relation, Schema};
use super::client::{self, Row};
use super::database_session::DatabaseSession;
use super::error;
use crate::model::name::TableName;

/// As the planner does, the number of rows is taken from the pages that there are now and the rows that they had when
/// PostgreSQL counted them last.
const SIZE_QUERY: &str = "
    SELECT CAST(coalesce(sum(pages), 0) AS float8) AS pages,
           CAST(coalesce(sum(CASE WHEN pages > 0 THEN reltuples * pages / nullif(relpages, 0) END), 0) AS float8) AS rows,
           coalesce(bool_and(pages = 0 OR relpages > 0 AND reltuples >= 0), true) AS is_known
      FROM (SELECT CAST($1 AS oid) UNION SELECT relid FROM pg_partition_tree(CAST($1 AS oid))) parts(part)
      JOIN pg_class ON oid = part AND relkind <> 'p', LATERAL (SELECT pg_relation_size(part) / 8192.0) size(pages)";

/// The size of a table, or of its partitions.
pub struct TableSize {
    pub pages: f64,
    /// About how many; nothing if PostgreSQL has never counted them.
    pub rows: Option<f64>,
}

impl TableSize {
    pub fn read(session: &mut DatabaseSession, relation: &Relation) -> Result<Self> {
        let oid = relation.oid.to_string();
        let rows = session.fetch(SIZE_QUERY, &[&oid])?;
        rows.first().ok_or_else(error::invalid_message)?.try_into().map_err(error::map_error)
    }
}

impl TryFrom<&Row> for TableSize {
    type Error = client::Error;

    fn try_from(row: &Row) -> client::Result<Self> {
        let rows = row.parse("rows")?;
        Ok(Self { pages: row.parse("pages")?, rows: row.is_true("is_known")?.then_some(rows) })
    }
}

/// The exact numbers of rows of the tables that were counted. A snapshot does not change.
#[derive(Default)]
pub struct TableCounts(BTreeMap<TableName, u64>);

impl TableCounts {
    pub fn count(&mut self, session: &mut DatabaseSession, schema: &Schema, table: &TableName) -> Result<u64> {
        if let Some(known) = self.0.get(table) {
            return Ok(*known);
        }
        let from = &schema.relation(table)?.from_item;
        let counted = session.fetch_count(&format!("SELECT count(*) AS records FROM {from}"), &[])?;
        self.0.insert(table.clone(), counted);
        Ok(counted)
    }
}

/// About how many rows a query returns, as PostgreSQL's planner expects.
pub fn expected_rows(session: &mut DatabaseSession, query: &str, values: &[&str]) -> Result<f64> {
    let rows = session.fetch(&format!("EXPLAIN (FORMAT JSON) {query}"), values)?;
    let text = rows.first().ok_or_else(error::invalid_message)?.text("QUERY PLAN").map_err(error::map_error)?;
    let plans: serde_json::Value = serde_json::from_str(text).map_err(|_| error::invalid_message())?;
    plans[0]["Plan"]["Plan Rows"].as_f64().ok_or_else(error::invalid_message)
}
