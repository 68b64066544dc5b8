//! Foreign keys as `SQLite` reports them.

use rusqlite::Connection;

use super::super::Result;
use crate::model::name::TableName;
use crate::server::rows::{ForeignKey, Table};

/// One row for each column of each key. No referenced column means the primary key.
const FOREIGN_KEYS_QUERY: &str = "
    SELECT f.id AS key_id, f.\"from\" AS from_column, f.\"table\" AS target_table,
           coalesce(f.\"to\", (SELECT name FROM pragma_table_info(f.\"table\") WHERE pk = f.seq + 1), 'rowid')
             AS target_column
      FROM pragma_foreign_key_list(?1) f ORDER BY f.id, f.seq";

/// Reads the foreign keys of a table, each with all its columns.
pub fn read(connection: &Connection, table: &TableName) -> Result<Vec<ForeignKey>> {
    let mut statement = connection.prepare(FOREIGN_KEYS_QUERY)?;
    let mut rows = statement.query([table.as_str()])?;
    let mut keys: Vec<(i64, ForeignKey)> = Vec::new();
    while let Some(row) = rows.next()? {
        let (id, target): (i64, String) = (row.get("key_id")?, row.get("target_table")?);
        let (column, target_column) = (row.get("from_column")?, row.get("target_column")?);
        match keys.last_mut() {
            Some((last, key)) if *last == id => {
                key.columns.push(column);
                key.target_columns.push(target_column);
            }
            _ => keys.push((id, new_key(column, target, target_column))),
        }
    }
    Ok(keys.into_iter().map(|(_, key)| key).collect())
}

fn new_key(column: String, target: String, target_column: String) -> ForeignKey {
    ForeignKey::new(vec![column], target.into(), vec![target_column])
}

/// Replaces the names of referenced tables with the spelling of the table itself: `SQLite` compares names
/// case-insensitively, everything above it does not.
pub fn normalize_target_case(tables: &mut [Table]) {
    let names: Vec<TableName> = tables.iter().map(|table| table.name.clone()).collect();
    for key in tables.iter_mut().flat_map(|table| &mut table.foreign_keys) {
        if let Some(name) = names.iter().find(|name| name.as_str().eq_ignore_ascii_case(key.target.as_str())) {
            key.target.clone_from(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::catalog;
    use super::*;

    #[test]
    fn keys_are_whole_and_name_their_table_as_it_names_itself() {
        let connection = Connection::open_in_memory().unwrap();
        let tables = "CREATE TABLE Pairs (b, a, PRIMARY KEY (a, b)); CREATE TABLE one (id INTEGER PRIMARY KEY);
            CREATE TABLE links (x, y, z REFERENCES one, FOREIGN KEY (y, x) REFERENCES pairs, FOREIGN KEY (x) REFERENCES gone);";
        connection.execute_batch(tables).unwrap();
        let catalog = catalog::read(&connection).unwrap();
        let links = catalog.table(&"links".into()).unwrap();
        let keys: Vec<String> = links
            .foreign_keys
            .iter()
            .map(|key| format!("{} -> {} {}", key.columns.join(","), key.target, key.target_columns.join(",")))
            .collect();
        assert_eq!(keys, ["x -> gone rowid", "y,x -> Pairs a,b", "z -> one id"]);
        // As an export of before had them: the table as the key spells it, the first key that has the column.
        let references: Vec<String> =
            links.columns.iter().filter_map(|column| column.references.as_ref().map(ToString::to_string)).collect();
        assert_eq!(references, ["gone.rowid", "pairs.a", "one.id"]);
    }
}
