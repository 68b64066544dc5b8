//! The schema as `SQLite` reports it.

use rusqlite::{Connection, Row};

use super::super::Result;
use super::foreign_keys;
use super::generated_columns::computed_from;
use crate::model::catalog::{Codec, ColumnSchema};
use crate::model::name::TableName;
use crate::model::redaction::NotIncluded;
use crate::server::rows::{Catalog, ForeignKey, Table, parents_first};

const OBJECTS_QUERY: &str = "
    SELECT name, type FROM pragma_table_list
     WHERE schema = 'main' AND name NOT IN ('sqlite_schema', 'sqlite_master') ORDER BY name";
const COLUMNS_QUERY: &str = "
    SELECT name, type, \"notnull\" AS not_null, pk AS position_in_key, hidden >= 2 AS generated
      FROM pragma_table_xinfo(?1) WHERE hidden <> 1 ORDER BY cid";

const INDEXED_QUERY: &str = "
    SELECT c.name FROM pragma_index_list(?1) i, pragma_index_info(i.name) c
     WHERE NOT i.partial AND c.seqno = 0 AND c.name IS NOT NULL";

/// Reads tables and columns; every other object is listed with the reason it is left out.
pub fn read(connection: &Connection) -> Result<Catalog> {
    let mut statement = connection.prepare(OBJECTS_QUERY)?;
    let objects = statement.query_map([], |row| Ok((row.get::<_, String>("name")?, row.get::<_, String>("type")?)))?;
    let mut tables = Vec::new();
    let mut not_included = Vec::new();
    for object in objects {
        let (name, kind) = object?;
        match exclusion_reason(&name, &kind) {
            Some(reason) => not_included.push(NotIncluded { object: name, reason: reason.into() }),
            None => tables.push(read_table(connection, name.into())?),
        }
    }
    foreign_keys::normalize_target_case(&mut tables);
    Ok(Catalog { tables: parents_first(tables), not_included, unreadable: Vec::new() })
}

fn exclusion_reason(name: &str, kind: &str) -> Option<&'static str> {
    match kind {
        _ if name.starts_with("sqlite_") => Some("internal to SQLite"),
        "view" => Some("a view: its data is in the tables it reads"),
        "virtual" => Some("a virtual table: its content is not exported"),
        "shadow" => Some("belongs to a virtual table, whose content is not exported"),
        _ => None,
    }
}

fn read_table(connection: &Connection, name: TableName) -> Result<Table> {
    let foreign_keys = foreign_keys::read(connection, &name)?;
    let mut statement = connection.prepare(COLUMNS_QUERY)?;
    let mut rows = statement.query([name.as_str()])?;
    let mut columns = Vec::new();
    let mut key = Vec::new();
    while let Some(row) = rows.next()? {
        let column = read_column(row, &foreign_keys)?;
        let position_in_key: u32 = row.get("position_in_key")?;
        if position_in_key > 0 {
            key.push((position_in_key, column.name.clone()));
        }
        columns.push(column);
    }
    fill_computed_from(connection, &name, &mut columns)?;
    key.sort_unstable();
    let primary_key: Vec<String> = key.into_iter().map(|(_, column)| column).collect();
    // The key of rows is none of the listed indexes.
    let mut indexed: Vec<String> = primary_key.first().cloned().into_iter().collect();
    let mut statement = connection.prepare(INDEXED_QUERY)?;
    for column in statement.query_map([name.as_str()], |row| row.get("name"))? {
        indexed.push(column?);
    }
    Ok(Table { name, columns, primary_key, foreign_keys, indexed, comment: None })
}

fn read_column(row: &Row<'_>, foreign_keys: &[ForeignKey]) -> Result<ColumnSchema> {
    let (name, native_type): (String, String) = (row.get("name")?, row.get("type")?);
    Ok(ColumnSchema {
        codec: codec(&native_type),
        nullable: !row.get::<_, bool>("not_null")?,
        generated: row.get("generated")?,
        computed_from: Vec::new(),
        identity: None,
        comment: None,
        references: ForeignKey::find_reference(foreign_keys, &name),
        name,
        native_type,
    })
}

fn fill_computed_from(connection: &Connection, table: &TableName, columns: &mut [ColumnSchema]) -> Result<()> {
    if !columns.iter().any(|column| column.generated) {
        return Ok(());
    }
    let query = "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?1";
    let sql: String = connection.query_row(query, [table.as_str()], |row| row.get("sql"))?;
    let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
    for column in columns.iter_mut().filter(|column| column.generated) {
        column.computed_from = computed_from(&sql, &column.name, &names);
    }
    Ok(())
}

/// The codec for a declared type, by column affinity
/// (<https://sqlite.org/datatype3.html#determination_of_column_affinity>). A declared boolean counts as one, and a
/// column of NUMERIC or no affinity may hold anything.
fn codec(declared: &str) -> Codec {
    let declared = declared.to_ascii_uppercase();
    let has = |part: &str| declared.contains(part);
    if has("BOOL") {
        Codec::Boolean
    } else if has("INT") {
        Codec::Integer
    } else if has("CHAR") || has("CLOB") || has("TEXT") {
        Codec::Text
    } else if has("BLOB") {
        Codec::Base64
    } else if has("REAL") || has("FLOA") || has("DOUB") {
        Codec::Double
    } else {
        Codec::Dynamic
    }
}
