//! References that lead nowhere, counted before and after a change: what is not checked at all may dangle for years.

use std::collections::BTreeSet;

use rusqlite::types::ToSqlOutput;
use rusqlite::{Connection, params_from_iter};

use super::super::super::Result;
use crate::model::name::TableName;

/// A reference that leads nowhere, of `pragma_foreign_key_check`. Rows of a table without row ids are not told apart, but counted.
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
    }
    Ok(())
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
        let found = statement
            .query_map([table.as_str()], |row| Ok((row.get::<_, String>(0)?, row.get::<_, u64>(1)?)))?
            .collect::<rusqlite::Result<Vec<_>>>()?;
        new.extend(found.iter().map(|(parent, rows)| format!("{table} ({rows} to {parent})")));
    }
    Ok(new)
}
