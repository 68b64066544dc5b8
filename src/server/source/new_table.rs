//! Tables that an import creates in a database without any, from what the file says of them.

use crate::model::catalog::{Codec, ColumnSchema, TableSchema};
use crate::model::name::{FieldName, TableName};
use crate::model::ordered_map::OrderedMap;

/// A table with its keys. Whatever else a table may have, a file does not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTable {
    pub name: TableName,
    pub columns: Vec<NewColumn>,
    pub primary_key: Vec<String>,
    pub references: Vec<NewReference>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewColumn {
    pub name: String,
    /// The type as the file's database declared it; nothing if that was another engine. Anything may be in it.
    pub native_type: Option<String>,
    pub codec: Codec,
    pub is_required: bool,
    /// Whether the database numbers new rows.
    pub is_identity: bool,
}

/// A column that refers to the one that is the key of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewReference {
    pub column: String,
    pub target: TableName,
    pub target_column: String,
}

impl NewTable {
    /// The tables of a file. Of references, those of one column to the key of a table of the file come along.
    #[must_use]
    pub fn of_file(schema: &OrderedMap<TableName, TableSchema>, is_same_engine: bool) -> Vec<Self> {
        let table = |name: &TableName, table: &TableSchema| {
            let columns = table.columns.iter().map(|column| NewColumn {
                name: column.name.clone(),
                native_type: Some(column.native_type.clone()).filter(|_| is_same_engine),
                codec: column.codec,
                is_required: !column.nullable,
                is_identity: column.identity.is_some(),
            });
            let reference = |column: &ColumnSchema| {
                let FieldName { table: target, column: target_column } = column.references.clone()?;
                let referred = schema.get(&target)?;
                let is_key = referred.primary_key == [target_column.clone()];
                let is_alike =
                    referred.columns.iter().any(|own| own.name == target_column && own.codec == column.codec);
                (is_key && is_alike).then(|| NewReference { column: column.name.clone(), target, target_column })
            };
            Self {
                name: name.clone(),
                columns: columns.collect(),
                // A column of the key may have been left out of the file.
                primary_key: Some(&table.primary_key)
                    .filter(|key| key.iter().all(|name| table.columns.iter().any(|column| column.name == *name)))
                    .cloned()
                    .unwrap_or_default(),
                references: table.columns.iter().filter_map(reference).collect(),
            }
        };
        schema.iter().map(|(name, schema)| table(name, schema)).collect()
    }
}
