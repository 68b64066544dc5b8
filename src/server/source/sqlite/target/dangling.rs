//! References that lead nowhere, counted before and after a change: what is not checked at all may dangle for years.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::types::ToSqlOutput;
use rusqlite::{Connection, Row, params_from_iter};

use super::super::super::Result;
use super::super::foreign_keys;
use super::super::key_sets::main_table;
use super::super::row_identity::rowid_name;
use super::changes::column;
use crate::model::name::TableName;

/// A reference that leads nowhere, of `pragma_foreign_key_check`. Rows of a table without row ids are not told apart, but counted:
/// `keyed_sql` tells them apart.
const FOUND: &str = "\"table\" AS tab, rowid AS row, parent, fkid, count(*) AS times";

/// The tables that refer to one, and the table itself.
const REFERRING_QUERY: &str = "
    SELECT DISTINCT m.name FROM pragma_table_list m LEFT JOIN pragma_foreign_key_list(m.name, 'main') k
     WHERE m.schema = 'main' AND m.type = 'table' AND (k.\"table\" = ?1 COLLATE NOCASE OR m.name = ?1 COLLATE NOCASE)";

/// Keeps in a temporary table which references of these tables lead nowhere now.
pub fn keep(connection: &Connection, tables: &[&TableName]) -> Result<()> {
    connection.execute_batch("CREATE TEMP TABLE waybill_dangling (tab, row, parent, fkid, times)")?;
    let sql = format!(
        "INSERT INTO temp.waybill_dangling SELECT {FOUND} FROM pragma_foreign_key_check(?1, 'main') GROUP BY tab, row, parent, fkid"
    );
    let mut statement = connection.prepare(&sql)?;
    for table in tables {
        statement.execute([table.as_str()])?;
        if let Some(sql) = keyed_sql(connection, table)? {
            connection.execute(&format!("INSERT INTO temp.waybill_dangling {sql}"), [])?;
        }
    }
    Ok(())
}

/// What selects the references of a table without row ids that lead nowhere, each with the key of its row, as text; nothing for other
/// tables.
fn keyed_sql(connection: &Connection, table: &TableName) -> Result<Option<String>> {
    if rowid_name(connection, table)?.is_some() {
        return Ok(None);
    }
    let names = |sql: &str, of: &TableName| -> Result<Vec<String>> {
        let mut statement = connection.prepare(sql)?;
        let names = statement.query_map([of.as_str()], |row| row.get(0))?;
        Ok(names.collect::<rusqlite::Result<_>>()?)
    };
    let key = names("SELECT name FROM pragma_table_info(?1, 'main') WHERE pk > 0 ORDER BY pk", table)?;
    let key: Vec<String> = key.iter().map(|name| format!("quote({})", column("t", name))).collect();
    let mut selects = Vec::new();
    for (number, reference) in foreign_keys::read(connection, table)?.iter().enumerate() {
        let is_set = reference.columns.iter().map(|from| format!("{} IS NOT NULL", column("t", from)));
        let mut conditions: Vec<String> = is_set.collect();
        // As a foreign key compares: by the collation of the parent's column, which is the left one.
        let pairs = reference.columns.iter().zip(&reference.target_columns);
        let is_same: Vec<String> =
            pairs.map(|(from, to)| format!("{} = {}", column("p", to), column("t", from))).collect();
        let exists = "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name = ?1 COLLATE NOCASE";
        if !names(exists, &reference.target)?.is_empty() {
            let (parent, is_same) = (main_table(&reference.target), is_same.join(" AND "));
            conditions.push(format!("NOT EXISTS (SELECT 1 FROM {parent} AS p WHERE {is_same})"));
        }
        selects.push(format!(
            "SELECT {} AS tab, {} AS row, {} AS parent, {number} AS fkid, 1 AS times FROM {} AS t WHERE {}",
            literal(table.as_str()),
            key.join(" || ',' || "),
            literal(reference.target.as_str()),
            main_table(table),
            conditions.join(" AND ")
        ));
    }
    Ok((!selects.is_empty()).then(|| selects.join(" UNION ALL ")))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Calls `push` with each reference that was kept.
pub fn for_each_kept(connection: &Connection, mut push: impl FnMut(&[ToSqlOutput<'_>; 5]) -> Result<()>) -> Result<()> {
    let mut statement = connection.prepare("SELECT tab, row, parent, fkid, times FROM temp.waybill_dangling")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let value = |place| Ok::<_, rusqlite::Error>(ToSqlOutput::Borrowed(row.get_ref(place)?));
        push(&[value(0)?, value(1)?, value(2)?, value(3)?, value(4)?])?;
    }
    Ok(())
}

/// Adds what led nowhere before an import, from the file of its undo.
pub fn add_kept(connection: &Connection, file: &Connection) -> Result<()> {
    let mut statement = file.prepare("SELECT tab, row, parent, fkid, times FROM dangling")?;
    let mut insert = connection.prepare("INSERT INTO temp.waybill_dangling VALUES (?, ?, ?, ?, ?)")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let values = (0..5).map(|place| Ok(ToSqlOutput::Borrowed(row.get_ref(place)?)));
        insert.execute(params_from_iter(values.collect::<rusqlite::Result<Vec<_>>>()?))?;
    }
    Ok(())
}

/// The tables of which references could lead nowhere when these change: they, and those that refer to them.
pub fn referring_tables<'n>(
    connection: &Connection,
    tables: impl Iterator<Item = &'n TableName>,
) -> Result<Vec<TableName>> {
    let mut statement = connection.prepare(REFERRING_QUERY)?;
    let mut names = BTreeSet::new();
    for table in tables {
        for name in statement.query_map([table.as_str()], |row| row.get::<_, String>(0))? {
            names.insert(TableName::from(name?.as_str()));
        }
    }
    Ok(names.into_iter().collect())
}

/// What leads nowhere and did not when that was kept, such as `orders (1 to customers)`.
pub fn find_new(connection: &Connection, tables: &[&TableName]) -> Result<Vec<String>> {
    let sql = format!(
        "SELECT now.parent, sum(now.times - coalesce(old.times, 0))
           FROM (SELECT {FOUND} FROM pragma_foreign_key_check(?1, 'main') GROUP BY tab, row, parent, fkid) AS now
           LEFT JOIN (SELECT tab, row, parent, fkid, max(times) AS times FROM temp.waybill_dangling
                       GROUP BY tab, row, parent, fkid) AS old
             ON old.tab = now.tab AND old.row IS now.row AND old.parent = now.parent AND old.fkid = now.fkid
          WHERE now.times > coalesce(old.times, 0) GROUP BY now.parent ORDER BY now.parent"
    );
    let mut statement = connection.prepare(&sql)?;
    let mut new = Vec::new();
    for table in tables {
        let pair = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, u64>(1)?));
        let mut found =
            statement.query_map([table.as_str()], pair)?.collect::<rusqlite::Result<BTreeMap<String, u64>>>()?;
        if let Some(sql) = keyed_sql(connection, table)? {
            let sql = format!(
                "SELECT now.parent, count(*) FROM ({sql}) AS now
                  WHERE NOT EXISTS (SELECT 1 FROM temp.waybill_dangling AS old
                                     WHERE old.tab = now.tab AND old.row = now.row AND old.parent = now.parent AND old.fkid = now.fkid)
                  GROUP BY now.parent"
            );
            for keyed in connection.prepare(&sql)?.query_map([], pair)? {
                let (parent, rows) = keyed?;
                let counted = found.entry(parent).or_default();
                *counted = rows.max(*counted);
            }
        }
        new.extend(found.iter().map(|(parent, rows)| format!("{table} ({rows} to {parent})")));
    }
    Ok(new)
}
