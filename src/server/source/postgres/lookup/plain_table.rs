//! The plain tables that lookups may read.

use super::super::super::Error;
use super::super::super::{NOT_A_TABLE, Result};
use super::super::catalog::{ROW_SECURITY_ACTIVE, split_name};
use super::super::client::{self, Row};
use super::super::database_session::{DatabaseSession, parse_rows};
use super::super::untrusted_code::UntrustedCode;
use super::super::{double_quote_identifier, error};
use crate::model::name::TableName;

/// Looks up the plain table of that name for sign-in.
///
/// # Errors
/// `NotFound` if it does not exist. `Unsuitable` if it is another kind of object (a view would run its owner's code),
/// if row-level security hides rows, or if querying it could run someone else's code.
pub fn resolve_table(session: &mut DatabaseSession, name: &TableName) -> Result<PlainTable> {
    let not_found = || Error::no_table(name);
    let (schema, table) = split_name(name).ok_or_else(not_found)?;
    let found = session.fetch(PLAIN_TABLE_QUERY, &[&schema, &table])?;
    let first = found.first().ok_or_else(not_found)?;
    let unusable = |reason: &str| Error::unusable_for_sign_in(name, reason);
    let (oid, kind, hides_rows) = (first.parse("oid"), first.text("kind"), first.is_true("hides_rows"));
    let kind = kind.map_err(error::map_error)?;
    if !matches!(kind, "r" | "p") {
        return Err(unusable(NOT_A_TABLE));
    }
    if hides_rows.map_err(error::map_error)? {
        return Err(unusable(ROW_SECURITY_ACTIVE));
    }
    if let Some(reason) = UntrustedCode::read(session)?.reason_for(oid.map_err(error::map_error)?) {
        return Err(unusable(reason));
    }
    let only = if kind == "p" { "" } else { "ONLY " };
    let columns = parse_rows(&found, PlainColumn::from_row)?.into_iter().flatten().collect();
    Ok(PlainTable {
        from_item: format!("{only}{}.{}", double_quote_identifier(&schema), double_quote_identifier(&table)),
        columns,
    })
}

const PLAIN_TABLE_QUERY: &str = "
    WITH RECURSIVE relation AS (
        SELECT c.oid, c.relkind, row_security_active(c.oid) AS hides_rows
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2),
    base AS (
        SELECT a.attname, t.oid, t.typtype, t.typbasetype, t.typnamespace, t.typoutput
          FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid JOIN pg_type t ON t.oid = a.atttypid
         WHERE a.attnum > 0 AND NOT a.attisdropped
        UNION ALL
        SELECT b.attname, t.oid, t.typtype, t.typbasetype, t.typnamespace, t.typoutput
          FROM base b JOIN pg_type t ON t.oid = b.typbasetype WHERE b.typtype = 'd')
    SELECT CAST(r.oid AS bigint) AS oid, CAST(r.relkind AS text) AS kind, r.hides_rows, CAST(b.attname AS text) AS name,
           CAST(b.oid AS bigint) AS type_oid, b.typtype = 'b' AND n.nspname = 'pg_catalog' AS is_built_in,
           CAST(fn.nspname AS text) AS output_schema, CAST(f.proname AS text) AS output_function,
           format_type(b.oid, -1) AS base_type,
           (SELECT CAST(ons.nspname AS text) FROM pg_opclass k
              JOIN pg_am m ON m.oid = k.opcmethod AND m.amname = 'btree'
              JOIN pg_amop s ON s.amopfamily = k.opcfamily AND s.amoplefttype = k.opcintype
                            AND s.amoprighttype = k.opcintype AND s.amopstrategy = 3
              JOIN pg_operator o ON o.oid = s.amopopr AND o.oprname = '='
              JOIN pg_namespace ons ON ons.oid = o.oprnamespace
             WHERE k.opcintype = b.oid AND k.opcdefault LIMIT 1) AS equals_schema
      FROM relation r LEFT JOIN base b ON b.typtype <> 'd'
      LEFT JOIN pg_namespace n ON n.oid = b.typnamespace
      LEFT JOIN pg_proc f ON f.oid = b.typoutput LEFT JOIN pg_namespace fn ON fn.oid = f.pronamespace";

/// A table that lookups may read.
#[derive(Debug)]
pub struct PlainTable {
    /// The FROM item.
    pub from_item: String,
    columns: Vec<PlainColumn>,
}

/// SQL to render and compare a column without any cast, function or operator that a user could have defined.
#[derive(Debug)]
pub struct PlainColumn {
    pub name: String,
    /// Type OID; of the base type for a domain, since the domain's CHECK constraints are user code.
    pub type_oid: u32,
    /// SQL expression for the value as text.
    pub text_sql: String,
    /// Left side and operator of a typed comparison; `None` where only texts can be compared.
    pub equals_prefix: Option<String>,
}

impl PlainTable {
    /// # Errors
    /// `NotFound` if the table has no such column.
    pub fn column(&self, table: &TableName, name: &str) -> Result<&PlainColumn> {
        let found = self.columns.iter().find(|column| column.name == name);
        found.ok_or_else(|| Error::no_column(&table.field(name)))
    }
}

impl PlainColumn {
    /// Returns `None` for the single row of a table without columns.
    fn from_row(row: &Row) -> client::Result<Option<Self>> {
        let Some(name) = row.optional_text("name")? else { return Ok(None) };
        let is_built_in = row.is_true("is_built_in")?;
        // Cast to the base type: a domain's owner could define functions and operators that match the domain better.
        let base = if is_built_in {
            double_quote_identifier(name)
        } else {
            format!("CAST({} AS {})", double_quote_identifier(name), row.text("base_type")?)
        };
        let output = format!(
            "{}.{}({base})",
            double_quote_identifier(row.text("output_schema")?),
            double_quote_identifier(row.text("output_function")?)
        );
        // Users cannot create casts between built-in types; a cast of any other type may be user code.
        let text_sql = if is_built_in {
            format!("CAST({base} AS pg_catalog.text)")
        } else {
            format!("pg_catalog.textin({output})")
        };
        // Only superusers can create operator classes, so a type's own one (such as citext's) is trusted. Enums have
        // none of their own, and casts by an enum's owner would take part in choosing among the operators for any
        // enum.
        let schema = if is_built_in { Some("pg_catalog") } else { row.optional_text("equals_schema")? };
        let equals_prefix = schema.map(|schema| format!("{base} OPERATOR({}.=)", double_quote_identifier(schema)));
        Ok(Some(Self { name: name.to_owned(), type_oid: row.parse("type_oid")?, text_sql, equals_prefix }))
    }
}
