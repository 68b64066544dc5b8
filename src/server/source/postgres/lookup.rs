//! Lookups of accounts: the newest committed rows, from plain tables only.

use super::super::{AcceptedValue, Error, MAX_LOOKUP_CHARS, NOT_A_TABLE, Predicate, Result};
use super::catalog::{ROW_SECURITY_ACTIVE, split_name};
use super::client::{self, Row};
use super::database_session::{DatabaseSession, parse_rows};
use super::untrusted_code::UntrustedCode;
use super::{double_quote_identifier, error};
use crate::model::name::TableName;

/// OID of `text` (`pg_type.dat`).
const TEXT_OID: u32 = 25;

/// The parameters of a WHERE clause: values, and the OID of each one's type.
#[derive(Default)]
struct BindParams<'a> {
    types: Vec<u32>,
    values: Vec<&'a str>,
}

impl<'a> BindParams<'a> {
    /// Returns the SQL for the conjunction of `conditions`.
    fn where_sql(&mut self, name: &TableName, table: &PlainTable, conditions: &[Predicate<'a>]) -> Result<String> {
        let predicates: Vec<String> = conditions
            .iter()
            .map(|condition| Ok(self.predicate_sql(table.column(name, condition.column)?, &condition.any_of)))
            .collect::<Result<_>>()?;
        Ok(predicates.join(" AND "))
    }

    fn predicate_sql(&mut self, column: &PlainColumn, accepted: &[AcceptedValue<'a>]) -> String {
        let texts = accepted.iter().filter(|accepted| matches!(accepted, AcceptedValue::Text(_))).count();
        let alternative = |accepted: &AcceptedValue<'a>| match accepted {
            AcceptedValue::Null => format!("{} IS NULL", double_quote_identifier(&column.name)),
            AcceptedValue::NotNull => format!("{} IS NOT NULL", double_quote_identifier(&column.name)),
            AcceptedValue::Text(value) if texts == 1 => self.equals_sql(column, value),
            // Several texts may be spellings of a boolean, which differ between engines: compared as text.
            AcceptedValue::Text(value) => self.text_equals_sql(column, value),
        };
        format!("({})", accepted.iter().map(alternative).collect::<Vec<_>>().join(" OR "))
    }

    /// Compares in the column's own type, so that an index can be used.
    fn equals_sql(&mut self, column: &PlainColumn, value: &'a str) -> String {
        match &column.equals_prefix {
            Some(equals) => format!("{equals} ${}", self.bind(column.type_oid, value)),
            None => self.text_equals_sql(column, value),
        }
    }

    fn text_equals_sql(&mut self, column: &PlainColumn, value: &'a str) -> String {
        format!("{} OPERATOR(pg_catalog.=) ${}", column.text_sql, self.bind(TEXT_OID, value))
    }

    fn bind(&mut self, type_oid: u32, value: &'a str) -> usize {
        self.types.push(type_oid);
        self.values.push(value);
        self.values.len()
    }
}

/// `Source::identity`: the cluster's system identifier, which a physical copy keeps and an upgrade changes, and the
/// database name.
pub fn identity(session: &mut DatabaseSession) -> Result<String> {
    let sql = "SELECT CAST(system_identifier AS text) AS cluster, CAST(current_database() AS text) AS database FROM pg_control_system()";
    let found = session.fetch(sql, &[])?;
    let row = found.first().ok_or_else(error::invalid_message)?;
    let part = |column| row.text(column).map_err(error::map_error);
    Ok(format!("postgresql:{}/{}", part("cluster")?, part("database")?))
}

/// `Source::find`.
pub fn find_unique(
    session: &mut DatabaseSession,
    table: &TableName,
    conditions: &[Predicate<'_>],
    columns: &[&str],
) -> Result<Option<Vec<Option<String>>>> {
    let plain = resolve_table(session, table)?;
    let expression = |name: &&str| {
        let column = plain.column(table, name)?;
        Ok(format!("pg_catalog.substr({}, 1, {MAX_LOOKUP_CHARS})", column.text_sql))
    };
    let expressions: Vec<String> = columns.iter().map(expression).collect::<Result<_>>()?;
    let mut params = BindParams::default();
    let where_sql = params.where_sql(table, &plain, conditions)?;
    let sql = format!("SELECT {} FROM {} WHERE {where_sql} LIMIT 2", expressions.join(", "), plain.from_item);
    let mut rows = match session.fetch_typed(&sql, &params.types, &params.values) {
        // The value is not valid for the column's type (an e-mail address is no UUID), so no row matches.
        Err(error) if error::is_invalid_value(&error) => return Ok(None),
        rows => rows?,
    };
    let found = rows.pop().filter(|_| rows.is_empty());
    Ok(found.map(Row::into_texts))
}

/// `Source::exists`.
pub fn exists(session: &mut DatabaseSession, table: &TableName, conditions: &[Predicate<'_>]) -> Result<bool> {
    let plain = resolve_table(session, table)?;
    let mut params = BindParams::default();
    let where_sql = params.where_sql(table, &plain, conditions)?;
    let sql = format!("SELECT 1 FROM {} WHERE {where_sql} LIMIT 1", plain.from_item);
    match session.fetch_typed(&sql, &params.types, &params.values) {
        Err(error) if error::is_invalid_value(&error) => Ok(false),
        rows => Ok(!rows?.is_empty()),
    }
}

/// Looks up the plain table of that name for sign-in.
///
/// # Errors
/// `NotFound` if it does not exist. `Unsuitable` if it is another kind of object (a view would run its owner's code),
/// if row-level security hides rows, or if querying it could run someone else's code.
fn resolve_table(session: &mut DatabaseSession, name: &TableName) -> Result<PlainTable> {
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
struct PlainTable {
    /// The FROM item.
    from_item: String,
    columns: Vec<PlainColumn>,
}

/// SQL to render and compare a column without any cast, function or operator that a user could have defined.
#[derive(Debug)]
struct PlainColumn {
    name: String,
    /// Type OID; of the base type for a domain, since the domain's CHECK constraints are user code.
    type_oid: u32,
    /// SQL expression for the value as text.
    text_sql: String,
    /// Left side and operator of a typed comparison; `None` where only texts can be compared.
    equals_prefix: Option<String>,
}

impl PlainTable {
    /// # Errors
    /// `NotFound` if the table has no such column.
    fn column(&self, table: &TableName, name: &str) -> Result<&PlainColumn> {
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
