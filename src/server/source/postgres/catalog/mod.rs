//! The schema as PostgreSQL's system catalogs report it, and how each column is read.
//!
//! Flow: `objects` lists tables and everything else with its reason to be left out; `columns`, `computed_columns` and
//! `keys` are read for the included tables in one query each; `read` assembles the engine-independent catalog, and
//! what is needed to read each table.

mod columns;
mod computed_columns;
mod keys;
mod large_objects;
mod objects;
mod table_name;

use std::collections::BTreeMap;

use super::super::{Error, Result};
use super::database_session::DatabaseSession;
use super::double_quote_identifier;
use super::untrusted_code::UntrustedCode;
use crate::model::catalog::ColumnSchema;
use crate::model::name::TableName;
use crate::model::redaction::NotIncluded;
use crate::server::rows::{Catalog, ForeignKey, Table, UnreadableTable, parents_first};

use columns::CatalogColumn;
pub use columns::RelationColumn;
use keys::Keys;
use objects::CatalogObject;
pub use objects::{ROW_SECURITY_ACTIVE, UNDO_SCHEMA_PREFIX};
pub use table_name::{join_name, split_name};

/// A table with what is needed to read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    pub oid: i64,
    /// The FROM item: `ONLY` unless the table is partitioned, whose rows are in its partitions.
    pub from_item: String,
    pub columns: BTreeMap<String, RelationColumn>,
}

/// The engine-independent catalog, and the relations by the table names used in it.
pub struct Schema {
    pub catalog: Catalog,
    pub relations: BTreeMap<TableName, Relation>,
}

impl Relation {
    /// Whether its rows are in partitions.
    pub fn is_partitioned(&self) -> bool {
        !self.from_item.starts_with("ONLY ")
    }
}

impl Schema {
    /// # Errors
    /// `NotFound` if there is no such table.
    pub fn relation(&self, table: &TableName) -> Result<&Relation> {
        self.relations.get(table).ok_or_else(|| Error::no_table(table))
    }
}

/// Reads the schema: objects, columns, keys, and which tables cannot be read.
pub fn read(session: &mut DatabaseSession) -> Result<Schema> {
    let objects = objects::read(session)?;
    let code = UntrustedCode::read(session)?;
    let names: BTreeMap<i64, TableName> = objects.iter().map(|object| (object.oid, object.table_name())).collect();
    let (included, mut not_included) = split_excluded(&objects, &names);
    let unreadable = included.iter().filter_map(|object| unreadable_table(object, &objects, &code)).collect();
    not_included.extend(large_objects::read(session)?);
    let oids = array_literal(&included);
    let mut columns = columns::read(session, &oids)?;
    computed_columns::fill(session, &oids, &mut columns)?;
    let keys = keys::read(session, &oids, &names)?;
    let tables = included.iter().map(|object| build_table(object, &columns, keys.get(&object.oid))).collect();
    let relations = included.iter().map(|object| (object.table_name(), build_relation(object, &columns))).collect();
    Ok(Schema { catalog: Catalog { tables: parents_first(tables), not_included, unreadable }, relations })
}

/// Splits objects into tables to export and objects to leave out.
fn split_excluded<'a>(
    objects: &'a [CatalogObject],
    names: &BTreeMap<i64, TableName>,
) -> (Vec<&'a CatalogObject>, Vec<NotIncluded>) {
    let (mut included, mut not_included) = (Vec::new(), Vec::new());
    for object in objects {
        match object.exclusion_reason(names) {
            Some(reason) => not_included.push(NotIncluded { object: object.table_name().into(), reason }),
            None => included.push(object),
        }
    }
    (included, not_included)
}

fn unreadable_table(
    object: &CatalogObject,
    objects: &[CatalogObject],
    code: &UntrustedCode,
) -> Option<UnreadableTable> {
    let has_foreign_part = || objects.iter().any(|part| part.is_foreign_partition_of(object));
    let foreign_part_reason = || "one of its partitions is a foreign table, on another server".to_owned();
    let reason = object.unreadable_reason(code).or_else(|| has_foreign_part().then(foreign_part_reason))?;
    Some(UnreadableTable { table: object.table_name(), reason })
}

/// The OIDs as a PostgreSQL array.
fn array_literal(objects: &[&CatalogObject]) -> String {
    let oids: Vec<String> = objects.iter().map(|object| object.oid.to_string()).collect();
    format!("{{{}}}", oids.join(","))
}

fn build_table(object: &CatalogObject, columns: &[CatalogColumn], keys: Option<&Keys>) -> Table {
    let (primary_key, foreign_keys) =
        keys.map_or((&[][..], &[][..]), |keys| (&keys.primary_key[..], &keys.foreign_keys[..]));
    let own = columns.iter().filter(|column| column.table == object.oid).map(|column| ColumnSchema {
        references: ForeignKey::find_reference(foreign_keys, &column.schema.name),
        ..column.schema.clone()
    });
    Table {
        name: object.table_name(),
        columns: own.collect(),
        primary_key: primary_key.to_vec(),
        foreign_keys: foreign_keys.to_vec(),
        indexed: keys.map_or_else(Vec::new, |keys| keys.indexed.clone()),
        comment: object.comment.clone(),
    }
}

fn build_relation(object: &CatalogObject, columns: &[CatalogColumn]) -> Relation {
    let only = if object.is_partitioned() { "" } else { "ONLY " };
    let (schema, name) = (double_quote_identifier(&object.schema), double_quote_identifier(&object.name));
    let own = columns.iter().filter(|column| column.table == object.oid);
    Relation {
        oid: object.oid,
        from_item: format!("{only}{schema}.{name}"),
        columns: own.map(|column| (column.schema.name.clone(), column.relation.clone())).collect(),
    }
}
