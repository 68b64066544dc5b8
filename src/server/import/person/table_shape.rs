//! What is known of one table of an archive before its records are read. Keys and references are those of the database: what an archive
//! says of its tables counts for nothing but the names and types of its columns.

use super::super::conversion::id_of;
use super::super::{Error, Result};
use crate::model::catalog::{Codec, ColumnSchema, TableSchema};
use crate::model::manifest::Contents;
use crate::model::name::TableName;
use crate::server::profile::{Layout, Profile, ScopeProfile};
use crate::server::rows::{Catalog, ForeignKey, Referring, Table};

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

impl TableShape {
    pub fn schema(&self) -> TableSchema {
        TableSchema { primary_key: self.primary_key.clone(), columns: self.columns.clone() }
    }
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
            Some(table) => match table_shape(table, schema, (layout, profile, scope), (contents, catalog)) {
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
    (layout, profile, scope): (&Layout, &Profile, &ScopeProfile),
    (contents, catalog): (&Contents, &Catalog),
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
        let target = catalog.table(&key.target).filter(|_| contents.schema.get(key.target.as_str()).is_some());
        target.and_then(id_of).is_some_and(|id| key.target_columns == [id])
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
    let has = |name: &String| schema.columns.iter().any(|column| column.name == *name);
    if let Some(missing) = table.primary_key.iter().chain([&owner]).find(|name| !has(name)) {
        return Err(format!("the archive's records of {name} have no {missing}"));
    }
    // Values of other types could say the same in a way that is not looked at.
    let codec = |name: &String| schema.columns.iter().find(|column| column.name == *name).map(|column| column.codec);
    let mut decisive: Vec<(&String, Codec)> = table
        .primary_key
        .iter()
        .filter(|key| id_of(table).as_ref() == Some(key))
        .map(|key| (key, Codec::Text))
        .collect();
    for key in &references {
        let is_json = matches!(key.referring, Referring::Json(_));
        decisive.push((&key.columns[0], if is_json { Codec::Json } else { Codec::Text }));
        decisive.extend(key.when.iter().map(|(column, _)| (column, Codec::Text)));
    }
    if let Some((wrong, expected)) =
        decisive.iter().find(|(name, expected)| codec(name).is_some_and(|codec| codec != *expected))
    {
        return Err(format!("{name}.{wrong} is no {expected} in the archive"));
    }
    let id = id_of(table).filter(|id| !references.iter().any(|key| key.columns[0] == *id));
    // A key that is not mapped may be somebody else's, and the answer would tell.
    let is_mapped = |column: &String| *column == owner || references.iter().any(|key| key.columns[0] == *column);
    if id.is_none() && !table.primary_key.iter().any(is_mapped) {
        return Err(format!("the keys of {name} are no texts, and nothing in them says whose its records are"));
    }
    Ok(TableShape {
        table: name.clone(),
        primary_key: table.primary_key.clone(),
        columns: schema.columns.iter().filter(|column| is_known(&column.name)).cloned().collect(),
        id,
        owner,
        references,
        people,
        outside: outside.into_iter().map(|key| key.columns[0].clone()).collect(),
    })
}
