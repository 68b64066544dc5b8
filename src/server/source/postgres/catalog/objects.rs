//! Tables, views, sequences and what else can hold rows; which of them are exported, and which can be read.

use std::collections::BTreeMap;

use super::super::super::Result;
use super::super::client::{self, Row};
use super::super::database_session::{DatabaseSession, parse_rows};
use super::super::untrusted_code::UntrustedCode;
use super::table_name::join_name;
use crate::model::name::TableName;

const OBJECTS_QUERY: &str = "
    SELECT CAST(c.oid AS bigint) AS oid, CAST(n.nspname AS text) AS schema, CAST(c.relname AS text) AS name,
           CAST(c.relkind AS text) AS kind, c.relispartition AS is_partition,
           coalesce(has_schema_privilege(n.oid, 'USAGE'), false) AS has_schema_usage,
           coalesce(has_table_privilege(c.oid, 'SELECT'), false) AS has_select,
           row_security_active(c.oid) AS has_row_security, obj_description(c.oid, 'pg_class') AS comment,
           (SELECT CAST(e.extname AS text) FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
             WHERE d.classid = CAST('pg_class' AS regclass) AND d.objid = c.oid AND d.deptype = 'e' LIMIT 1) AS extension,
           (SELECT CAST(r.relid AS bigint) FROM pg_partition_ancestors(c.oid) r(relid)
             WHERE c.relispartition ORDER BY (SELECT relispartition FROM pg_class WHERE oid = r.relid) LIMIT 1)
             AS partition_root,
           (SELECT CAST(t.relname AS text) || '.' || CAST(a.attname AS text) FROM pg_depend d
              JOIN pg_class t ON t.oid = d.refobjid JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
             WHERE c.relkind = 'S' AND d.classid = CAST('pg_class' AS regclass) AND d.objid = c.oid
               AND d.deptype IN ('a', 'i') LIMIT 1) AS owning_column
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND n.nspname <> 'information_schema'
       AND n.nspname !~ '^pg_' ORDER BY n.nspname, c.relname";

pub const ROW_SECURITY_ACTIVE: &str =
    "row-level security hides rows from the user: connect as the table's owner or a role with BYPASSRLS";

/// The schemas of imports that can be undone begin with it, followed by 32 hexadecimal digits.
pub const UNDO_SCHEMA_PREFIX: &str = "waybill_undo_";

/// One row of `OBJECTS_QUERY`.
#[expect(clippy::struct_excessive_bools, reason = "four independent answers of the catalog")]
pub struct CatalogObject {
    pub oid: i64,
    pub schema: String,
    pub name: String,
    kind: String,
    is_partition: bool,
    has_schema_usage: bool,
    has_select: bool,
    has_row_security: bool,
    pub comment: Option<String>,
    extension: Option<String>,
    partition_root: Option<i64>,
    owning_column: Option<String>,
}

/// Reads every object, by schema and name.
pub fn read(session: &mut DatabaseSession) -> Result<Vec<CatalogObject>> {
    parse_rows(&session.fetch(OBJECTS_QUERY, &[])?, CatalogObject::from_row)
}

impl CatalogObject {
    fn from_row(row: &Row) -> client::Result<Self> {
        Ok(Self {
            oid: row.parse("oid")?,
            schema: row.parse("schema")?,
            name: row.parse("name")?,
            kind: row.parse("kind")?,
            is_partition: row.is_true("is_partition")?,
            has_schema_usage: row.is_true("has_schema_usage")?,
            has_select: row.is_true("has_select")?,
            has_row_security: row.is_true("has_row_security")?,
            comment: row.parse_optional("comment")?,
            extension: row.parse_optional("extension")?,
            partition_root: row.parse_optional("partition_root")?,
            owning_column: row.parse_optional("owning_column")?,
        })
    }

    pub fn table_name(&self) -> TableName {
        join_name(&self.schema, &self.name)
    }

    pub fn is_partitioned(&self) -> bool {
        self.kind == "p"
    }

    pub fn is_foreign_partition_of(&self, table: &Self) -> bool {
        self.partition_root == Some(table.oid) && self.kind == "f"
    }

    /// Why the object is left out; `None` for a table. `names` has the name of every object by its OID.
    pub fn exclusion_reason(&self, names: &BTreeMap<i64, TableName>) -> Option<String> {
        if let Some(extension) = &self.extension {
            return Some(format!("belongs to the extension {extension}, which creates it"));
        }
        if self.is_kept_for_undo() {
            return Some("what Waybill keeps for a day to undo an import".to_owned());
        }
        match (self.kind.as_str(), &self.owning_column) {
            ("v", _) => Some("a view: its data is in the tables it reads".into()),
            ("m", _) => Some("a materialized view: it is computed from tables".into()),
            ("f", _) => Some("a foreign table: its rows are on another server".into()),
            ("S", Some(column)) => Some(format!("a sequence: it generates the values of {column}")),
            ("S", None) => Some("a sequence: a counter, not a table".into()),
            _ if self.is_partition => {
                let root = self.partition_root.and_then(|root| names.get(&root));
                Some(format!("a partition: its rows are in {}", root.map_or("its parent", TableName::as_str)))
            }
            _ => None,
        }
    }

    fn is_kept_for_undo(&self) -> bool {
        let id = self.schema.strip_prefix(UNDO_SCHEMA_PREFIX);
        id.is_some_and(|id| id.len() == 32 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
    }

    /// Why the table cannot be read, or not completely.
    pub fn unreadable_reason(&self, code: &UntrustedCode) -> Option<String> {
        if !self.has_schema_usage {
            Some("the user may not use its schema: GRANT USAGE ON SCHEMA".into())
        } else if !self.has_select {
            Some("the user may not read it: GRANT SELECT".into())
        } else if self.has_row_security {
            Some(ROW_SECURITY_ACTIVE.into())
        } else {
            code.reason_for(self.oid).map(str::to_owned)
        }
    }
}
