//! The schema as PostgreSQL's system catalogs report it, and how each column is read.

use std::collections::BTreeMap;

use super::super::Result;
use super::client::{self, Row};
use super::database_session::{DatabaseSession, parse_rows};
use super::decode::PgType;
use super::untrusted_code::UntrustedCode;
use super::{double_quote_identifier, sqlstate};
use crate::model::catalog::ColumnSchema;
use crate::model::name::TableName;
use crate::model::redaction::NotIncluded;
use crate::server::rows::{Catalog, Table, UnreadableTable, parents_first};

/// A table with what is needed to read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    pub oid: i64,
    /// The FROM item: `ONLY` unless the table is partitioned, whose rows are in its partitions.
    pub from_item: String,
    pub columns: BTreeMap<String, RelationColumn>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelationColumn {
    pub pg_type: PgType,
    /// The SELECT expression.
    pub expression: String,
    /// The ORDER BY expression; a type without an ordering is ordered by its text.
    pub order_by: String,
}

/// The engine-independent catalog, and the relations by the table names used in it.
pub struct Schema {
    pub catalog: Catalog,
    pub relations: BTreeMap<TableName, Relation>,
}

const OBJECTS_QUERY: &str = "
    SELECT CAST(c.oid AS bigint), CAST(n.nspname AS text), CAST(c.relname AS text), CAST(c.relkind AS text),
           c.relispartition, coalesce(has_schema_privilege(n.oid, 'USAGE'), false),
           coalesce(has_table_privilege(c.oid, 'SELECT'), false),
           row_security_active(c.oid), obj_description(c.oid, 'pg_class'),
           (SELECT CAST(e.extname AS text) FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
             WHERE d.classid = CAST('pg_class' AS regclass) AND d.objid = c.oid AND d.deptype = 'e' LIMIT 1),
           (SELECT CAST(r.relid AS bigint) FROM pg_partition_ancestors(c.oid) r(relid)
             WHERE c.relispartition ORDER BY (SELECT relispartition FROM pg_class WHERE oid = r.relid) LIMIT 1),
           (SELECT CAST(t.relname AS text) || '.' || CAST(a.attname AS text) FROM pg_depend d
              JOIN pg_class t ON t.oid = d.refobjid JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
             WHERE c.relkind = 'S' AND d.classid = CAST('pg_class' AS regclass) AND d.objid = c.oid
               AND d.deptype IN ('a', 'i') LIMIT 1)
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND n.nspname <> 'information_schema'
       AND n.nspname !~ '^pg_' ORDER BY n.nspname, c.relname";

const COLUMNS_QUERY: &str = "
    WITH RECURSIVE base AS (
        SELECT oid AS of, oid, typtype, typbasetype, typnotnull, typoutput FROM pg_type
        UNION ALL
        SELECT b.of, t.oid, t.typtype, t.typbasetype, b.typnotnull OR t.typnotnull, t.typoutput
          FROM base b JOIN pg_type t ON t.oid = b.typbasetype WHERE b.typtype = 'd')
    SELECT CAST(a.attrelid AS bigint), CAST(a.attname AS text), format_type(a.atttypid, a.atttypmod),
           NOT (a.attnotnull OR b.typnotnull), CAST(a.attgenerated AS text) <> '', CAST(a.attidentity AS text),
           col_description(a.attrelid, a.attnum), CAST(b.oid AS bigint), CAST(b.typtype AS text),
           CAST(fn.nspname AS text), CAST(f.proname AS text), format_type(b.oid, -1)
      FROM pg_attribute a JOIN base b ON b.of = a.atttypid AND b.typtype <> 'd'
      JOIN pg_proc f ON f.oid = b.typoutput JOIN pg_namespace fn ON fn.oid = f.pronamespace
     WHERE a.attnum > 0 AND NOT a.attisdropped AND CAST(a.attrelid AS bigint) = ANY($1)
     ORDER BY a.attrelid, a.attnum";

const CONSTRAINTS_QUERY: &str = "
    SELECT CAST(k.conrelid AS bigint), CAST(k.contype AS text), CAST(k.confrelid AS bigint),
           to_json(ARRAY(SELECT CAST(a.attname AS text) FROM unnest(k.conkey) WITH ORDINALITY u(num, at)
                   JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.num ORDER BY u.at)),
           to_json(ARRAY(SELECT CAST(a.attname AS text) FROM unnest(k.confkey) WITH ORDINALITY u(num, at)
                   JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.num ORDER BY u.at))
      FROM pg_constraint k
     WHERE k.contype IN ('p', 'f') AND k.conparentid = 0 AND CAST(k.conrelid AS bigint) = ANY($1)
     ORDER BY k.conrelid, k.contype DESC, k.conname";

/// Source columns of computed columns: those in a generated column's expression, and those in the arguments of
/// built-in triggers that maintain search vectors (column, configuration, columns).
const COMPUTED_COLUMNS_QUERY: &str = "
    SELECT CAST(d.adrelid AS bigint), CAST(a.attname AS text), CAST(r.attname AS text)
      FROM pg_attrdef d
      JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum AND CAST(a.attgenerated AS text) <> ''
      -- Up to version 14 they are the column's own, later its default's.
      JOIN pg_depend p ON (p.classid = CAST('pg_attrdef' AS regclass) AND p.objid = d.oid
                           OR p.classid = CAST('pg_class' AS regclass) AND p.objid = d.adrelid AND p.objsubid = d.adnum)
                      AND p.refclassid = CAST('pg_class' AS regclass) AND p.refobjid = d.adrelid
                      AND p.refobjsubid > 0 AND p.refobjsubid <> d.adnum
      JOIN pg_attribute r ON r.attrelid = d.adrelid AND r.attnum = p.refobjsubid
     WHERE CAST(d.adrelid AS bigint) = ANY($1)
    UNION
    SELECT CAST(t.tgrelid AS bigint), t.arguments[1], source
      FROM (SELECT t.tgrelid, string_to_array(encode(t.tgargs, 'escape'), '\\000') AS arguments
              FROM pg_trigger t JOIN pg_proc f ON f.oid = t.tgfoid JOIN pg_namespace n ON n.oid = f.pronamespace
             WHERE n.nspname = 'pg_catalog' AND f.proname IN ('tsvector_update_trigger', 'tsvector_update_trigger_column')
               AND CAST(t.tgrelid AS bigint) = ANY($1)) t,
           unnest(t.arguments[3:]) AS source
     WHERE source <> ''";

const LARGE_OBJECTS_QUERY: &str = "SELECT count(*) FROM pg_largeobject_metadata";

/// One row of `OBJECTS_QUERY`.
#[expect(clippy::struct_excessive_bools, reason = "four independent answers of the catalog")]
struct CatalogObject {
    oid: i64,
    schema: String,
    name: String,
    kind: String,
    is_partition: bool,
    has_schema_usage: bool,
    has_select: bool,
    has_row_security: bool,
    comment: Option<String>,
    extension: Option<String>,
    partition_root: Option<i64>,
    owning_column: Option<String>,
}

impl CatalogObject {
    fn from_row(row: &Row) -> client::Result<Self> {
        Ok(Self {
            oid: row.parse(0)?,
            schema: row.parse(1)?,
            name: row.parse(2)?,
            kind: row.parse(3)?,
            is_partition: row.is_true(4)?,
            has_schema_usage: row.is_true(5)?,
            has_select: row.is_true(6)?,
            has_row_security: row.is_true(7)?,
            comment: row.optional_text(8).map(str::to_owned),
            extension: row.optional_text(9).map(str::to_owned),
            partition_root: row.optional_text(10).map(|_| row.parse(10)).transpose()?,
            owning_column: row.optional_text(11).map(str::to_owned),
        })
    }

    /// The exported name: bare in `public`, otherwise `schema.table`. A part that contains a dot or a quote is
    /// quoted, so that no two tables share a name.
    fn export_name(&self) -> TableName {
        let part = |text: &str| if text.contains(['.', '"']) { double_quote_identifier(text) } else { text.to_owned() };
        let name = part(&self.name);
        if self.schema == "public" { name.into() } else { format!("{}.{name}", part(&self.schema)).into() }
    }

    fn quoted(&self) -> String {
        format!("{}.{}", double_quote_identifier(&self.schema), double_quote_identifier(&self.name))
    }

    fn exclusion_reason(&self, roots: &BTreeMap<i64, TableName>) -> Option<String> {
        if let Some(extension) = &self.extension {
            return Some(format!("belongs to the extension {extension}, which creates it"));
        }
        match (self.kind.as_str(), &self.owning_column) {
            ("v", _) => Some("a view: its data is in the tables it reads".into()),
            ("m", _) => Some("a materialized view: it is computed from tables".into()),
            ("f", _) => Some("a foreign table: its rows are on another server".into()),
            ("S", Some(column)) => Some(format!("a sequence: it generates the values of {column}")),
            ("S", None) => Some("a sequence: a counter, not a table".into()),
            _ if self.is_partition => {
                let root =
                    self.partition_root.and_then(|root| roots.get(&root)).map_or("its parent", TableName::as_str);
                Some(format!("a partition: its rows are in {root}"))
            }
            _ => None,
        }
    }

    fn unreadable_reason(&self, code: &UntrustedCode) -> Option<String> {
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

pub const ROW_SECURITY_ACTIVE: &str =
    "row-level security hides rows from the user: connect as the table's owner or a role with BYPASSRLS";

/// Splits a label (`CatalogObject::export_name`) into schema and name; `None` if it has more than two parts.
pub fn split_name(name: &TableName) -> Option<(String, String)> {
    let mut parts = vec![String::new()];
    let mut is_quoted = false;
    let mut rest = name.as_str().chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' if is_quoted && rest.peek() == Some(&'"') => parts.last_mut()?.extend(rest.next()),
            '"' => is_quoted = !is_quoted,
            '.' if !is_quoted => parts.push(String::new()),
            c => parts.last_mut()?.push(c),
        }
    }
    match <[String; 2]>::try_from(parts) {
        Ok([schema, table]) => Some((schema, table)),
        Err(mut single) => (single.len() == 1).then(|| ("public".to_owned(), single.remove(0))),
    }
}

/// Reads the schema: objects, columns, keys, and which tables cannot be read.
pub fn read(session: &mut DatabaseSession) -> Result<Schema> {
    let objects: Vec<CatalogObject> = parse_rows(&session.fetch(OBJECTS_QUERY, &[])?, CatalogObject::from_row)?;
    let code = UntrustedCode::read(session)?;
    let labels: BTreeMap<i64, TableName> = objects.iter().map(|object| (object.oid, object.export_name())).collect();
    let (mut not_included, mut unreadable, mut included) = (Vec::new(), Vec::new(), Vec::new());
    for object in &objects {
        if let Some(reason) = object.exclusion_reason(&labels) {
            not_included.push(NotIncluded { object: object.export_name().into(), reason });
            continue;
        }
        let has_foreign_part = objects.iter().any(|part| part.partition_root == Some(object.oid) && part.kind == "f");
        let foreign_partition_reason =
            has_foreign_part.then(|| "one of its partitions is a foreign table, on another server".to_owned());
        if let Some(reason) = object.unreadable_reason(&code).or(foreign_partition_reason) {
            unreadable.push(UnreadableTable { table: object.export_name(), reason });
        }
        included.push(object);
    }
    not_included.extend(large_objects(session)?);
    // As an array literal.
    let oids = format!("{{{}}}", included.iter().map(|object| object.oid.to_string()).collect::<Vec<_>>().join(","));
    let mut columns: Vec<(i64, ColumnSchema, RelationColumn)> =
        parse_rows(&session.fetch(COLUMNS_QUERY, &[&oids])?, parse_column)?;
    let computed: Vec<(i64, String, String)> = parse_rows(&session.fetch(COMPUTED_COLUMNS_QUERY, &[&oids])?, |row| {
        Ok((row.parse(0)?, row.parse(1)?, row.parse(2)?))
    })?;
    let names: Vec<(i64, String)> = columns.iter().map(|(oid, schema, _)| (*oid, schema.name.clone())).collect();
    for (oid, schema, _) in &mut columns {
        let from = computed.iter().filter(|(table, column, _)| table == oid && *column == schema.name);
        schema.computed_from = from.map(|(.., source)| source.clone()).collect();
        if schema.generated && schema.computed_from.is_empty() {
            // No dependency recorded: assume all other columns.
            let others = names.iter().filter(|(table, name)| table == oid && *name != schema.name);
            schema.computed_from = others.map(|(_, name)| name.clone()).collect();
        }
    }
    let keys: Vec<KeyConstraint> = parse_rows(&session.fetch(CONSTRAINTS_QUERY, &[&oids])?, KeyConstraint::from_row)?;
    let (mut tables, mut relations) = (Vec::new(), BTreeMap::new());
    for object in included {
        tables.push(build_table(object, &columns, &keys, &labels));
        let only = if object.kind == "p" { "" } else { "ONLY " };
        let own_columns = columns.iter().filter(|(oid, ..)| *oid == object.oid);
        relations.insert(
            object.export_name(),
            Relation {
                oid: object.oid,
                from_item: format!("{only}{}", object.quoted()),
                columns: own_columns.map(|(_, schema, column)| (schema.name.clone(), column.clone())).collect(),
            },
        );
    }
    Ok(Schema { catalog: Catalog { tables: parents_first(tables), not_included, unreadable }, relations })
}

fn large_objects(session: &mut DatabaseSession) -> Result<Option<NotIncluded>> {
    let counted = session.fetch(LARGE_OBJECTS_QUERY, &[])?;
    let count: u64 = counted.first().map_or(Ok(0), |row| row.parse(0)).map_err(sqlstate::map_error)?;
    let reason = format!("{count} of them, which are stored outside tables");
    Ok((count > 0).then(|| NotIncluded { object: "large objects".into(), reason }))
}

fn build_table(
    object: &CatalogObject,
    columns: &[(i64, ColumnSchema, RelationColumn)],
    keys: &[KeyConstraint],
    labels: &BTreeMap<i64, TableName>,
) -> Table {
    let own_keys = || keys.iter().filter(|key| key.table == object.oid);
    let primary_key = own_keys().find(|key| key.is_primary).map(|key| key.columns.clone()).unwrap_or_default();
    let foreign_keys = || own_keys().filter(|key| !key.is_primary);
    let reference = |column: &str| {
        foreign_keys().find_map(|key| {
            let at = key.columns.iter().position(|name| name == column)?;
            Some(labels.get(&key.referenced_table)?.field(key.referenced_columns.get(at)?))
        })
    };
    let own = columns.iter().filter(|(oid, ..)| *oid == object.oid);
    let columns = own.map(|(_, schema, _)| ColumnSchema { references: reference(&schema.name), ..schema.clone() });
    Table {
        name: object.export_name(),
        columns: columns.collect(),
        primary_key,
        parents: foreign_keys().filter_map(|key| labels.get(&key.referenced_table).cloned()).collect(),
        comment: object.comment.clone(),
    }
}

fn parse_column(row: &Row) -> client::Result<(i64, ColumnSchema, RelationColumn)> {
    let name: String = row.parse(1)?;
    let pg_type = PgType::from_oid(row.parse(7)?, row.text(8)?);
    // Cast to the base type: a domain's owner could define an overload that matches the domain better.
    let base = format!("CAST({} AS {})", double_quote_identifier(&name), row.text(11)?);
    let text = format!("{}.{}({base})", double_quote_identifier(row.text(9)?), double_quote_identifier(row.text(10)?));
    let column = RelationColumn {
        pg_type,
        // No cast needed: in text format, the server calls the type's output function itself.
        expression: double_quote_identifier(&name),
        order_by: if pg_type.has_order() {
            double_quote_identifier(&name)
        } else {
            format!("pg_catalog.textin({text}) COLLATE pg_catalog.\"C\"")
        },
    };
    let schema = ColumnSchema {
        native_type: row.parse(2)?,
        codec: pg_type.codec(),
        nullable: row.is_true(3)?,
        generated: row.is_true(4)?,
        computed_from: Vec::new(),
        identity: match row.text(5)? {
            "a" => Some("always".into()),
            "d" => Some("by default".into()),
            _ => None,
        },
        references: None,
        comment: row.optional_text(6).map(str::to_owned),
        name,
    };
    Ok((row.parse(0)?, schema, column))
}

/// One row of `CONSTRAINTS_QUERY`.
struct KeyConstraint {
    table: i64,
    is_primary: bool,
    referenced_table: i64,
    columns: Vec<String>,
    referenced_columns: Vec<String>,
}

impl KeyConstraint {
    fn from_row(row: &Row) -> client::Result<Self> {
        let names = |at| serde_json::from_str(row.text(at)?).map_err(|_| client::Error::Protocol);
        Ok(Self {
            table: row.parse(0)?,
            is_primary: row.text(1)? == "p",
            referenced_table: row.parse(2)?,
            columns: names(3)?,
            referenced_columns: names(4)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_label_is_taken_apart_into_what_it_was_made_of(schema in any::<String>(), name in any::<String>()) {
            let object = CatalogObject {
                oid: 1, schema: schema.clone(), name: name.clone(), kind: "r".into(), is_partition: false,
                has_schema_usage: true, has_select: true, has_row_security: false, comment: None, extension: None, partition_root: None,
                owning_column: None,
            };
            prop_assert_eq!(split_name(&object.export_name()), Some((schema, name)));
        }
    }
}
