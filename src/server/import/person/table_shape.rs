//! What is known of one table of an archive before its records are read.

use super::super::{Error, Result};
use crate::model::catalog::{Codec, ColumnSchema, TableSchema};
use crate::model::manifest::Contents;
use crate::model::name::TableName;
use crate::server::profile::{Layout, Profile, ScopeProfile};
use crate::server::rows::{Catalog, ForeignKey, Table};

/// A table of an archive.
#[derive(Clone, Debug)]
pub struct TableShape {
    pub table: TableName,
    pub primary_key: Vec<String>,
    /// The columns that its records get.
    pub columns: Vec<ColumnSchema>,
    /// The column with the id of its records; nothing if they have none of their own.
    pub id: Option<String>,
    /// The column that says whose a record is.
    pub owner: String,
    /// References to records of the archive.
    pub references: Vec<ForeignKey>,
    /// Columns that refer to people, all of which become the importer, or to what no archive has, which is left out.
    pub people: Vec<String>,
    pub outside: Vec<String>,
}

/// The tables of an archive, in the order in which they are filled.
///
/// # Errors
/// `Refused` with what the database or the profile lacks.
pub fn table_shapes(
    contents: &Contents,
    layout: &Layout,
    profile: &Profile,
    scope: &ScopeProfile,
    catalog: &Catalog,
) -> Result<Vec<TableShape>> {
    let (mut shapes, mut refusals) = (Vec::new(), Vec::new());
    for (name, schema) in contents.schema.iter() {
        match catalog.table(name) {
            Some(table) => match table_shape(table, schema, layout, profile, scope, contents) {
                Ok(shape) => shapes.push(shape),
                Err(refusal) => refusals.push(refusal),
            },
            None => refusals.push(format!("the database has no table {name}")),
        }
    }
    if refusals.is_empty() { Ok(shapes) } else { Err(Error::Refused(refusals)) }
}

fn table_shape(
    table: &Table,
    schema: &TableSchema,
    layout: &Layout,
    profile: &Profile,
    scope: &ScopeProfile,
    contents: &Contents,
) -> std::result::Result<TableShape, String> {
    let name = &table.name;
    let node = layout.node_of(name).ok_or_else(|| format!("no document of this application has records of {name}"))?;
    let is_person = |key: &ForeignKey| key.target == scope.table && key.target_columns == [scope.key.clone()];
    let all = profile.references_of(table);
    if let Some(wide) = all.iter().find(|key| key.columns.len() > 1) {
        return Err(format!("{name} refers to {} by several columns, which archives do not", wide.target));
    }
    let (people, others): (Vec<_>, Vec<_>) = all.into_iter().partition(is_person);
    let owners = profile.owner_columns(name);
    let owner = people.iter().find(|key| owners.contains(&key.columns[0]));
    let owner = owner.ok_or_else(|| format!("nothing in {name} says whose its records are"))?.columns[0].clone();
    let people: Vec<String> = people.into_iter().map(|key| key.columns[0].clone()).collect();
    let is_inside = |key: &ForeignKey| {
        let target = contents.schema.get(key.target.as_str());
        target.is_some_and(|target| id_of(target).is_some_and(|id| key.target_columns == [id]))
    };
    let (references, outside): (Vec<_>, Vec<_>) = others.into_iter().partition(is_inside);
    let media = layout.media.as_ref().filter(|media| media.table == *name);
    let is_known = |column: &str| {
        node.writes(column)
            || node.keyed_by.as_deref() == Some(column)
            || node.on.contains_key(column)
            || people.iter().any(|own| own == column)
            || media.is_some_and(|media| media.storage_key == column)
    };
    Ok(TableShape {
        table: name.clone(),
        primary_key: schema.primary_key.clone(),
        columns: schema.columns.iter().filter(|column| is_known(&column.name)).cloned().collect(),
        id: id_of(schema).filter(|id| !references.iter().any(|key| key.columns[0] == *id)),
        owner,
        references,
        people,
        outside: outside.into_iter().map(|key| key.columns[0].clone()).collect(),
    })
}

/// The column with the ids of a table's records, which are texts.
fn id_of(schema: &TableSchema) -> Option<String> {
    let [key] = &schema.primary_key[..] else { return None };
    let is_text = |column: &&ColumnSchema| matches!(column.codec, Codec::Text | Codec::Native | Codec::Dynamic);
    schema.columns.iter().filter(is_text).find(|column| column.name == *key).map(|column| column.name.clone())
}
