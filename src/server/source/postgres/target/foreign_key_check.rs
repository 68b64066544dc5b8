//! Foreign keys, compared by a query as the database itself does.

use super::super::super::Result;
use super::super::client::{self, Row};
use super::super::database_session::{DatabaseSession, parse_rows};
use super::same_key::same_key_sql;

/// The foreign keys of a table and its partitions; one that a partition has from its table is none of its own (`conparentid`). Rows are
/// compared as by the key itself, and `MATCH FULL` is kept, as in PostgreSQL's own check of a new constraint (`RI_Initial_Check`).
/// Where row security hides rows, no query could check all of them.
const FOREIGN_KEYS_QUERY: &str = "
    SELECT CAST(k.conrelid AS bigint) AS oid, CAST(CAST(k.conrelid AS regclass) AS text) AS name, own.relkind = 'p' AS is_partitioned,
           'p' || CAST(k.oid AS text) AS alias, CAST(CAST(k.confrelid AS regclass) AS text) AS target, target.relkind = 'p' AS is_target_partitioned,
           CAST(coalesce(pg_partition_root(k.confrelid), k.confrelid) AS bigint) AS target_root,
           has_table_privilege(k.conrelid, 'SELECT') AND has_table_privilege(k.confrelid, 'SELECT')
             AND NOT row_security_active(k.conrelid) AND NOT row_security_active(k.confrelid) AS is_readable,
           {is_same} AS is_same,
           (SELECT string_agg(format('c.%I IS NOT NULL', a.attname), CASE k.confmatchtype WHEN 'f' THEN ' OR ' ELSE ' AND ' END)
              FROM unnest(k.conkey) num JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = num) AS refers
      FROM pg_constraint k JOIN pg_class own ON own.oid = k.conrelid JOIN pg_class target ON target.oid = k.confrelid
     WHERE k.contype = 'f' AND k.conparentid = 0
       AND k.conrelid IN (SELECT CAST(CAST($1 AS text) AS oid) UNION
                          SELECT CAST(relid AS oid) FROM pg_partition_tree(CAST(CAST(CAST($1 AS text) AS oid) AS regclass)))
     ORDER BY 1, k.conname";

/// A foreign key, as a query finds the rows `c` by which it leads nowhere.
pub struct ForeignKeyCheck {
    /// The OID of the table or partition that has the key.
    pub oid: i64,
    /// The same in a statement.
    pub from_item: String,
    /// What its target is called in a statement.
    pub alias: String,
    pub target: String,
    pub target_item: String,
    /// The OID of the table that it is a partition of, or its own.
    pub target_root: i64,
    /// Whether a query sees all rows of both tables.
    pub is_readable: bool,
    /// The condition that the row refers to the row of the alias.
    pub is_same: String,
    /// The condition that the row must refer to one.
    pub refers: String,
}

impl ForeignKeyCheck {
    /// The keys of the table with this OID, and of its partitions.
    pub fn read(session: &mut DatabaseSession, table: i64) -> Result<Vec<Self>> {
        let query = FOREIGN_KEYS_QUERY.replace("{is_same}", &same_key_sql("'p' || CAST(k.oid AS text)", "'c'"));
        parse_rows(&session.fetch(&query, &[&table.to_string()])?, Self::from_row)
    }

    fn from_row(row: &Row) -> client::Result<Self> {
        let item = |name: &str, is_partitioned: &str| {
            Ok::<_, client::Error>(format!(
                "{}{}",
                if row.is_true(is_partitioned)? { "" } else { "ONLY " },
                row.text(name)?
            ))
        };
        Ok(Self {
            oid: row.parse("oid")?,
            from_item: item("name", "is_partitioned")?,
            alias: row.parse("alias")?,
            target: row.parse("target")?,
            target_item: item("target", "is_target_partitioned")?,
            target_root: row.parse("target_root")?,
            is_readable: row.is_true("is_readable")?,
            is_same: row.parse("is_same")?,
            refers: row.parse("refers")?,
        })
    }
}
