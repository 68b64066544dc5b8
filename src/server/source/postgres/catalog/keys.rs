//! Primary and foreign keys.

use std::collections::BTreeMap;

use super::super::super::Result;
use super::super::client::{self, Row};
use super::super::database_session::{DatabaseSession, parse_rows};
use super::super::error;
use crate::model::name::TableName;
use crate::server::rows::ForeignKey;

const CONSTRAINTS_QUERY: &str = "
    SELECT CAST(k.conrelid AS bigint) AS relation, k.contype = 'p' AS is_primary,
           CAST(k.confrelid AS bigint) AS target,
           to_json(ARRAY(SELECT CAST(a.attname AS text) FROM unnest(k.conkey) WITH ORDINALITY u(num, at)
                   JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.num ORDER BY u.at)) AS columns,
           to_json(ARRAY(SELECT CAST(a.attname AS text) FROM unnest(k.confkey) WITH ORDINALITY u(num, at)
                   JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.num ORDER BY u.at)) AS target_columns
      FROM pg_constraint k
     WHERE k.contype IN ('p', 'f') AND k.conparentid = 0 AND CAST(k.conrelid AS bigint) = ANY($1)
     ORDER BY k.conrelid, k.contype DESC, k.conname";

const INDEXED_QUERY: &str = "
    SELECT CAST(i.indrelid AS bigint) AS relation, CAST(a.attname AS text) AS name
      FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
     WHERE i.indisvalid AND i.indpred IS NULL AND CAST(i.indrelid AS bigint) = ANY($1)
     ORDER BY i.indexrelid";

/// The keys of one table.
#[expect(clippy::struct_field_names, reason = "what SQL calls them")]
#[derive(Default)]
pub struct Keys {
    pub primary_key: Vec<String>,
    /// By the constraint's name.
    pub foreign_keys: Vec<ForeignKey>,
    /// The first columns of indexes with every row.
    pub indexed: Vec<String>,
}

/// Reads the keys of these tables, by the table's OID. `names` has the name of every table by its OID.
pub fn read(
    session: &mut DatabaseSession,
    oids: &str,
    names: &BTreeMap<i64, TableName>,
) -> Result<BTreeMap<i64, Keys>> {
    let constraints = parse_rows(&session.fetch(CONSTRAINTS_QUERY, &[oids])?, Constraint::from_row)?;
    let mut keys: BTreeMap<i64, Keys> = BTreeMap::new();
    for Constraint { table, is_primary, columns, target, target_columns } in constraints {
        let keys = keys.entry(table).or_default();
        if is_primary {
            keys.primary_key = columns;
        } else if let Some(target) = names.get(&target).cloned() {
            keys.foreign_keys.push(ForeignKey::new(columns, target, target_columns));
        }
    }
    for row in session.fetch(INDEXED_QUERY, &[oids])? {
        let (table, column): (i64, &str) =
            (row.parse("relation").map_err(error::map_error)?, row.text("name").map_err(error::map_error)?);
        keys.entry(table).or_default().indexed.push(column.to_owned());
    }
    Ok(keys)
}

/// One row of `CONSTRAINTS_QUERY`.
struct Constraint {
    table: i64,
    is_primary: bool,
    columns: Vec<String>,
    target: i64,
    target_columns: Vec<String>,
}

impl Constraint {
    fn from_row(row: &Row) -> client::Result<Self> {
        let names = |column| serde_json::from_str(row.text(column)?).map_err(|_| client::Error::Protocol);
        Ok(Self {
            table: row.parse("relation")?,
            is_primary: row.is_true("is_primary")?,
            columns: names("columns")?,
            target: row.parse("target")?,
            target_columns: names("target_columns")?,
        })
    }
}
