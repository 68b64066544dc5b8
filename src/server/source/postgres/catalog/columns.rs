//! Columns, and the SQL that reads and orders each one.

use super::super::super::Result;
use super::super::client::{self, Row};
use super::super::database_session::{DatabaseSession, parse_rows};
use super::super::decode::PgType;
use super::super::double_quote_identifier;
use crate::model::catalog::ColumnSchema;

/// Columns with their type, domains resolved to their base type.
const COLUMNS_QUERY: &str = "
    WITH RECURSIVE base AS (
        SELECT oid AS of, oid, typtype, typbasetype, typnotnull, typoutput FROM pg_type
        UNION ALL
        SELECT b.of, t.oid, t.typtype, t.typbasetype, b.typnotnull OR t.typnotnull, t.typoutput
          FROM base b JOIN pg_type t ON t.oid = b.typbasetype WHERE b.typtype = 'd')
    SELECT CAST(a.attrelid AS bigint) AS relation, CAST(a.attname AS text) AS name,
           format_type(a.atttypid, a.atttypmod) AS declared_type, NOT (a.attnotnull OR b.typnotnull) AS nullable,
           CAST(a.attgenerated AS text) <> '' AS generated, CAST(a.attidentity AS text) AS identity,
           col_description(a.attrelid, a.attnum) AS comment, CAST(b.oid AS bigint) AS type_oid,
           CAST(b.typtype AS text) AS type_kind, CAST(fn.nspname AS text) AS output_schema,
           CAST(f.proname AS text) AS output_function, format_type(b.oid, -1) AS base_type
      FROM pg_attribute a JOIN base b ON b.of = a.atttypid AND b.typtype <> 'd'
      JOIN pg_proc f ON f.oid = b.typoutput JOIN pg_namespace fn ON fn.oid = f.pronamespace
     WHERE a.attnum > 0 AND NOT a.attisdropped AND CAST(a.attrelid AS bigint) = ANY($1)
     ORDER BY a.attrelid, a.attnum";

/// A column of a table, and how it is read.
pub struct CatalogColumn {
    /// The table's OID.
    pub table: i64,
    pub schema: ColumnSchema,
    pub relation: RelationColumn,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelationColumn {
    pub pg_type: PgType,
    /// The SELECT expression: the column's name, quoted.
    pub expression: String,
    /// The type, without the domain that restricts it.
    pub base_type: String,
    /// What is before and after the column's name in the expression for its text, which the type's output function gives.
    around_as_text: (String, String),
}

/// Reads the columns of these tables, each table's in their order.
pub fn read(session: &mut DatabaseSession, oids: &str) -> Result<Vec<CatalogColumn>> {
    parse_rows(&session.fetch(COLUMNS_QUERY, &[oids])?, CatalogColumn::from_row)
}

impl CatalogColumn {
    fn from_row(row: &Row) -> client::Result<Self> {
        let relation = RelationColumn::from_row(row)?;
        let schema = ColumnSchema {
            name: row.parse("name")?,
            native_type: row.parse("declared_type")?,
            codec: relation.pg_type.codec(),
            nullable: row.is_true("nullable")?,
            generated: row.is_true("generated")?,
            computed_from: Vec::new(),
            identity: match row.text("identity")? {
                "a" => Some("always".into()),
                "d" => Some("by default".into()),
                _ => None,
            },
            references: None,
            comment: row.parse_optional("comment")?,
        };
        Ok(Self { table: row.parse("relation")?, schema, relation })
    }
}

impl RelationColumn {
    fn from_row(row: &Row) -> client::Result<Self> {
        let column = double_quote_identifier(row.text("name")?);
        let pg_type = PgType::from_oid(row.parse("type_oid")?, row.text("type_kind")?);
        // No cast needed: in text format, the server calls the type's output function itself.
        let (base_type, around_as_text) = (row.parse("base_type")?, around_as_text(row)?);
        Ok(Self { pg_type, expression: column, base_type, around_as_text })
    }

    /// The ORDER BY expression; a type without an ordering is ordered by its text.
    pub fn order_by(&self) -> String {
        if self.pg_type.has_order() { self.expression.clone() } else { self.with_text_around(&self.expression) }
    }

    /// What the column of the row of this alias is compared by: its value where PostgreSQL has an operator for the very type,
    /// else its text. Casts that an enum's owner has made would take part in choosing an operator for it.
    pub fn compared(&self, alias: &str) -> String {
        let column = format!("{alias}.{}", self.expression);
        if self.has_own_operators() { column } else { self.with_text_around(&column) }
    }

    /// The text of the column of the row of this alias.
    pub fn as_text(&self, alias: &str) -> String {
        self.with_text_around(&format!("{alias}.{}", self.expression))
    }

    /// The same of a column of another table, with this name and the same type.
    pub fn named(&self, name: &str) -> Self {
        Self { expression: double_quote_identifier(name), ..self.clone() }
    }

    /// A parameter that `compared` is compared with.
    pub fn parameter(&self, number: usize) -> String {
        let base_type = if self.has_own_operators() { &self.base_type } else { "text" };
        format!("CAST(${number} AS {base_type})")
    }

    /// Whether values of both are compared by the operator of one type.
    pub fn is_compared_like(&self, other: &Self) -> bool {
        self.has_own_operators() && self.base_type == other.base_type
    }

    fn has_own_operators(&self) -> bool {
        self.pg_type.has_order() && self.pg_type != PgType::Enum
    }

    fn with_text_around(&self, column: &str) -> String {
        format!("{}{column}{}", self.around_as_text.0, self.around_as_text.1)
    }
}

/// What makes the text of a column that the type's output function gives.
fn around_as_text(row: &Row) -> client::Result<(String, String)> {
    let schema = double_quote_identifier(row.text("output_schema")?);
    let function = double_quote_identifier(row.text("output_function")?);
    // Cast to the base type: a domain's owner could define an overload that matches the domain better.
    let before = format!("pg_catalog.textin({schema}.{function}(CAST(");
    let after = format!(" AS {}))) COLLATE pg_catalog.\"C\"", row.text("base_type")?);
    Ok((before, after))
}
