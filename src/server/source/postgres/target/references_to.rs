//! References that lead to a table, as the database enforces them: those from partitions, and from tables that exports leave out,
//! are among them.

use super::super::super::{Error, Kind, Result};
use super::super::client::{self, Row};
use super::super::database_session::{DatabaseSession, parse_rows};
use super::super::untrusted_code::UntrustedCode;
use super::same_key::same_key_sql;
use crate::model::name::TableName;

/// A foreign key of a partition that it has from its table is none of its own (`conparentid`).
const REFERENCES_QUERY: &str = "
    SELECT CAST(CAST(k.conrelid AS regclass) AS text) AS name, CAST(k.conname AS text) AS constraint_name,
           CAST(coalesce(pg_partition_root(k.conrelid), k.conrelid) AS bigint) AS root, c.relkind = 'p' AS is_partitioned,
           k.confupdtype IN ('c', 'n', 'd') AS is_carried_on, k.confdeltype <> 'a' OR NOT k.condeferrable AS acts_at_once,
           to_json(ARRAY(SELECT CAST(a.attname AS text) FROM unnest(k.confkey) num
                          JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = num)) AS target_columns,
           {is_same} AS is_same
      FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
     WHERE k.contype = 'f' AND k.conparentid = 0
       AND k.confrelid IN (SELECT CAST(CAST($1 AS text) AS oid) UNION
                           SELECT CAST(relid AS oid) FROM pg_partition_tree(CAST(CAST(CAST($1 AS text) AS oid) AS regclass)))
     ORDER BY 1, 2";

/// A foreign key that leads to a table, or to a partition of it.
pub struct ReferenceTo {
    /// The table that has it, as people know it.
    pub referring: String,
    pub constraint: String,
    /// The OID of the table that it is a partition of, or its own.
    root: i64,
    /// What its rows are selected from.
    pub from_item: String,
    /// Whether the database changes the rows that refer to a row whose values of these columns are changed.
    pub is_carried_on: bool,
    /// Whether the database acts as soon as a row is removed that others refer to, and not at the end.
    pub acts_at_once: bool,
    /// The columns of the table that are referred to.
    pub target_columns: Vec<String>,
    /// The condition that the row `r` refers to the row `t`.
    pub is_same: String,
}

impl ReferenceTo {
    /// The references to the table with this OID.
    pub fn read(session: &mut DatabaseSession, table: i64) -> Result<Vec<Self>> {
        let query = REFERENCES_QUERY.replace("{is_same}", &same_key_sql("'t'", "'r'"));
        parse_rows(&session.fetch(&query, &[&table.to_string()])?, Self::from_row)
    }

    fn from_row(row: &Row) -> client::Result<Self> {
        let name = row.text("name")?;
        let only = if row.is_true("is_partitioned")? { "" } else { "ONLY " };
        Ok(Self {
            from_item: format!("{only}{name}"),
            referring: name.strip_prefix("public.").unwrap_or(name).to_owned(),
            constraint: row.parse("constraint_name")?,
            root: row.parse("root")?,
            is_carried_on: row.is_true("is_carried_on")?,
            acts_at_once: row.is_true("acts_at_once")?,
            target_columns: serde_json::from_str(row.text("target_columns")?).unwrap_or_default(),
            is_same: row.parse("is_same")?,
        })
    }

    /// The OID of the table that has it, or of which it is a partition.
    pub fn root(&self) -> i64 {
        self.root
    }

    /// # Errors
    /// `Unsuitable` if looking at the table that has it could run somebody else's code.
    pub fn check_readable(&self, code: &UntrustedCode) -> Result<()> {
        code.reason_for(self.root).map_or(Ok(()), |reason| Err(unreadable(&self.referring, reason)))
    }
}

/// # Errors
/// `Unsuitable` if looking at the table with this OID could run somebody else's code.
pub fn check_readable(code: &UntrustedCode, oid: i64, table: &TableName) -> Result<()> {
    code.reason_for(oid).map_or(Ok(()), |reason| Err(unreadable(table.as_str(), reason)))
}

fn unreadable(table: &str, reason: &str) -> Error {
    Error::new(Kind::Unsuitable, format!("table {table} cannot be checked: {reason}"))
}
