//! Which columns SQLite compares alike, whichever of them is on the left: those of the same declared type, without a collation.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::super::Result;
use crate::model::name::TableName;
use crate::server::rows::ForeignKey;

/// The declared types of the columns of tables that name no collation.
#[derive(Default)]
pub struct PlainTypes(BTreeMap<TableName, BTreeMap<String, String>>);

impl PlainTypes {
    pub fn read(connection: &Connection) -> Result<Self> {
        let mut statement = connection.prepare(
            "SELECT s.name AS table_name, c.name AS column_name, upper(c.type) AS declared_type
               FROM main.sqlite_schema s JOIN pragma_table_xinfo(s.name, 'main') c
              WHERE s.type = 'table' AND s.sql NOT LIKE '%collate%'",
        )?;
        let mut rows = statement.query([])?;
        let mut tables: BTreeMap<TableName, BTreeMap<String, String>> = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let table = TableName::from(row.get::<_, String>("table_name")?.as_str());
            tables.entry(table).or_default().insert(row.get("column_name")?, row.get("declared_type")?);
        }
        Ok(Self(tables))
    }

    /// Whether every column of the reference has the type of the one that it refers to.
    pub fn compare_alike(&self, table: &TableName, key: &ForeignKey) -> bool {
        let declared = |table: &TableName, column: &String| self.0.get(table)?.get(column);
        let mut pairs = key.columns.iter().zip(&key.target_columns);
        pairs
            .all(|(own, referred)| declared(table, own).is_some_and(|own| Some(own) == declared(&key.target, referred)))
    }
}
