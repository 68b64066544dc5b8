//! References that lead nowhere, counted before and after a change: what is not checked at all may dangle for years.

use rusqlite::Connection;

use super::super::Result;
use crate::model::name::TableName;

/// A reference that leads nowhere, of `pragma_foreign_key_check`. Rows of a table without row ids are not told apart, but counted.
const FOUND: &str = "\"table\" AS tab, rowid AS row, parent, fkid, count(*) AS times";

/// Keeps in a temporary table which references of these tables lead nowhere now.
pub fn keep(connection: &Connection, tables: &[&TableName]) -> Result<()> {
    connection.execute_batch("CREATE TEMP TABLE waybill_dangling (tab, row, parent, fkid, times)")?;
    let sql = format!(
        "INSERT INTO temp.waybill_dangling SELECT {FOUND} FROM pragma_foreign_key_check(?1) GROUP BY tab, row, parent, fkid"
    );
    let mut statement = connection.prepare(&sql)?;
    for table in tables {
        statement.execute([table.as_str()])?;
    }
    Ok(())
}

/// What leads nowhere and did not when that was kept, such as `orders (1 to customers)`.
pub fn find_new(connection: &Connection, tables: &[&TableName]) -> Result<Vec<String>> {
    let sql = format!(
        "SELECT now.parent, sum(now.times - coalesce(old.times, 0))
           FROM (SELECT {FOUND} FROM pragma_foreign_key_check(?1) GROUP BY tab, row, parent, fkid) AS now
           LEFT JOIN temp.waybill_dangling AS old
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
