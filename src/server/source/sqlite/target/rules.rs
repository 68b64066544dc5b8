//! What the file does by itself when rows are added to its tables.

use rusqlite::Connection;

use super::super::super::Result;
use super::super::super::target::{CarriedOn, TargetRules, Trigger};
use crate::model::name::TableName;

/// References that the file carries changes on to, with the column that they lead to. Without one, that is a primary key, which is
/// never changed.
const CARRIED_ON_QUERY: &str = "
    SELECT m.name, c.name FROM pragma_table_list m, pragma_foreign_key_list(m.name, 'main') k
      JOIN pragma_table_xinfo(?1, 'main') c ON c.name = k.\"to\" COLLATE NOCASE
     WHERE m.schema = 'main' AND m.type = 'table' AND k.\"table\" = ?1 COLLATE NOCASE
       AND k.on_update IN ('CASCADE', 'SET NULL', 'SET DEFAULT') ORDER BY m.name, k.id, k.seq";

/// The expression of a computed column is known by the statement only that has created its table.
const DEFAULTS_QUERY: &str = "
    SELECT c.name, coalesce(c.dflt_value, s.sql) FROM pragma_table_xinfo(?1, 'main') c
      JOIN main.sqlite_schema s ON s.type = 'table' AND s.name = ?1 COLLATE NOCASE
     WHERE c.dflt_value IS NOT NULL OR c.hidden >= 2";

pub fn read(connection: &Connection, tables: &[TableName]) -> Result<TargetRules> {
    let mut rules = TargetRules::default();
    let mut defaults = connection.prepare(DEFAULTS_QUERY)?;
    let mut triggers = connection.prepare(
        "SELECT name, sql FROM main.sqlite_schema WHERE type = 'trigger' AND tbl_name = ?1 COLLATE NOCASE ORDER BY name",
    )?;
    let pair = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?));
    for table in tables {
        for column in defaults.query_map([table.as_str()], pair)? {
            let (name, definition) = column?;
            rules.defaults.insert(table.field(name), definition);
        }
        for trigger in triggers.query_map([table.as_str()], pair)? {
            let (name, definition) = trigger?;
            rules.triggers.push(Trigger { name: format!("{name} on {table}"), definition });
        }
    }
    let mut carried_on = connection.prepare(CARRIED_ON_QUERY)?;
    for table in tables {
        for reference in carried_on.query_map([table.as_str()], pair)? {
            let (referring, column) = reference?;
            rules.carried_on.push(CarriedOn { table: table.clone(), columns: vec![column], referring });
        }
    }
    // All foreign keys are checked at the commit (`defer_foreign_keys`).
    Ok(rules)
}

/// Whether any table has a trigger, or any view.
pub fn has_triggers(connection: &Connection) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM main.sqlite_schema WHERE type = 'trigger')";
    Ok(connection.query_row(sql, [], |row| row.get(0))?)
}
