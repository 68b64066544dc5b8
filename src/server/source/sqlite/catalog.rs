//! The schema as `SQLite` reports it.

use rusqlite::Connection;

use super::super::Result;
use super::generated_columns::computed_from;
use crate::model::catalog::{Codec, ColumnSchema};
use crate::model::name::TableName;
use crate::model::redaction::NotIncluded;
use crate::server::rows::{Catalog, Table, parents_first};

/// Reads tables and columns; every other object is listed with the reason it is left out.
pub fn read(connection: &Connection) -> Result<Catalog> {
    let mut statement = connection.prepare(
        "SELECT name, type FROM pragma_table_list \
         WHERE schema = 'main' AND name NOT IN ('sqlite_schema', 'sqlite_master') ORDER BY name",
    )?;
    let objects = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    let mut tables = Vec::new();
    let mut not_included = Vec::new();
    for object in objects {
        let (name, kind) = object?;
        match exclusion_reason(&name, &kind) {
            Some(reason) => not_included.push(NotIncluded { object: name, reason: reason.into() }),
            None => tables.push(read_table(connection, name)?),
        }
    }
    normalize_parent_case(&mut tables);
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

fn read_table(connection: &Connection, name: String) -> Result<Table> {
    let references = foreign_keys(connection, &name)?;
    let mut statement = connection.prepare(
        "SELECT name, type, \"notnull\", pk, hidden FROM pragma_table_xinfo(?1) WHERE hidden <> 1 ORDER BY cid",
    )?;
    let mut rows = statement.query([&name])?;
    let mut columns = Vec::new();
    let mut key = Vec::new();
    while let Some(row) = rows.next()? {
        let column: String = row.get(0)?;
        let native_type: String = row.get(1)?;
        let position_in_key: u32 = row.get(3)?;
        if position_in_key > 0 {
            key.push((position_in_key, column.clone()));
        }
        let reference = references.iter().find(|(from, ..)| *from == column);
        columns.push(ColumnSchema {
            codec: codec(&native_type),
            nullable: !row.get::<_, bool>(2)?,
            generated: row.get::<_, u32>(4)? >= 2,
            computed_from: Vec::new(),
            identity: None,
            comment: None,
            references: reference.map(|(_, table, to)| table.field(to)),
            name: column,
            native_type,
        });
    }
    drop(rows);
    fill_computed_from(connection, &name, &mut columns)?;
    key.sort_unstable();
    let primary_key = key.into_iter().map(|(_, column)| column).collect();
    let parents = references.into_iter().map(|(_, table, _)| table).collect();
    Ok(Table { name: name.into(), columns, primary_key, parents, comment: None })
}

fn fill_computed_from(connection: &Connection, table: &str, columns: &mut [ColumnSchema]) -> Result<()> {
    if !columns.iter().any(|column| column.generated) {
        return Ok(());
    }
    let query = "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?1";
    let sql: String = connection.query_row(query, [table], |row| row.get(0))?;
    let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
    for column in columns.iter_mut().filter(|column| column.generated) {
        column.computed_from = computed_from(&sql, &column.name, &names);
    }
    Ok(())
}

/// `(column, referenced table, referenced column)` of every foreign key; no referenced column means the primary key.
fn foreign_keys(connection: &Connection, table: &str) -> Result<Vec<(String, TableName, String)>> {
    let mut statement = connection.prepare(
        "SELECT f.\"from\", f.\"table\", coalesce(f.\"to\", (SELECT name FROM pragma_table_info(f.\"table\") \
         WHERE pk = f.seq + 1), 'rowid') FROM pragma_foreign_key_list(?1) f ORDER BY f.id, f.seq",
    )?;
    let rows = statement.query_map([table], |row| Ok((row.get(0)?, row.get::<_, String>(1)?.into(), row.get(2)?)))?;
    Ok(rows.collect::<std::result::Result<_, _>>()?)
}

/// Replaces parent names with the spelling of the table itself: `SQLite` compares names case-insensitively, the table
/// order does not.
fn normalize_parent_case(tables: &mut [Table]) {
    let names: Vec<TableName> = tables.iter().map(|table| table.name.clone()).collect();
    for parent in tables.iter_mut().flat_map(|table| &mut table.parents) {
        if let Some(name) = names.iter().find(|name| name.as_str().eq_ignore_ascii_case(parent.as_str())) {
            parent.clone_from(name);
        }
    }
}

/// The codec for a declared type, by column affinity
/// (<https://sqlite.org/datatype3.html#determination_of_column_affinity>). A declared boolean counts as one, and a
/// column of NUMERIC or no affinity may hold anything.
fn codec(declared: &str) -> Codec {
    let declared = declared.to_ascii_uppercase();
    let has = |part: &str| declared.contains(part);
    match () {
        () if has("BOOL") => Codec::Boolean,
        () if has("INT") => Codec::Integer,
        () if has("CHAR") || has("CLOB") || has("TEXT") => Codec::Text,
        () if has("BLOB") => Codec::Base64,
        () if has("REAL") || has("FLOA") || has("DOUB") => Codec::Double,
        () => Codec::Dynamic,
    }
}
