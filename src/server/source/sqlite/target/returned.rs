//! Rows that an import has removed, and that its undo brings back.

use rusqlite::types::ToSqlOutput;
use rusqlite::{Connection, params_from_iter};

use super::super::super::{Result, double_quote_identifier, undo_rules};
use super::super::key_sets::main_table;
use super::changes::column;
use super::undo_file::{KeptTable, UndoFile};
use super::undo_words::{key_text, not_undone};
use crate::model::import_undo::UndoneTable;

/// Calls `visit` with the values of each row that was removed, and whether a row has its key now, until it returns false.
pub fn for_each_removed(
    connection: &Connection,
    file: &UndoFile,
    table: &KeptTable,
    mut visit: impl FnMut(&[ToSqlOutput<'_>], bool) -> Result<bool>,
) -> Result<()> {
    if !file.has_removed(table)? {
        return Ok(());
    }
    let is_same = table.found_by.iter().zip(1..).map(|(name, place)| format!("{} = ?{place}", column("t", name)));
    let is_same = is_same.collect::<Vec<_>>().join(" AND ");
    let mut find = connection.prepare(&format!("SELECT 1 FROM {} AS t WHERE {is_same}", main_table(&table.name)))?;
    let sql = format!("SELECT {} FROM removed_{} ORDER BY rowid", table.all_columns().join(", "), table.number);
    let mut kept = file.connection.prepare(&sql)?;
    let mut rows = kept.query([])?;
    while let Some(row) = rows.next()? {
        let values = (0..table.columns.len()).map(|place| Ok(ToSqlOutput::Borrowed(row.get_ref(place)?)));
        let values: Vec<ToSqlOutput<'_>> = values.collect::<Result<_>>()?;
        let is_there = find.exists(params_from_iter(key_of(table, &values)))?;
        if !visit(&values, is_there)? {
            break;
        }
    }
    Ok(())
}

/// What the row is found by.
fn key_of<'v>(table: &KeptTable, values: &[ToSqlOutput<'v>]) -> Vec<ToSqlOutput<'v>> {
    let place = |name: &String| table.columns.iter().position(|column| column == name);
    table.found_by.iter().filter_map(|name| values.get(place(name)?).cloned()).collect()
}

/// Puts the rows that come back into a temporary table. One whose key somebody has used since stays away.
pub fn find(connection: &Connection, file: &UndoFile, table: &KeptTable, found: &mut UndoneTable) -> Result<()> {
    let (number, columns) = (table.number, table.all_columns().join(", "));
    connection.execute_batch(&format!("CREATE TEMP TABLE waybill_returned_{number} ({columns})"))?;
    let places = vec!["?"; table.columns.len()].join(", ");
    let mut insert = connection.prepare(&format!("INSERT INTO temp.waybill_returned_{number} VALUES ({places})"))?;
    for_each_removed(connection, file, table, |values, is_there| {
        if is_there {
            found.changed_since += 1;
            if found.examples.len() < undo_rules::MAX_EXAMPLES {
                found.examples.push(key_text(&key_of(table, values)));
            }
        } else {
            found.returned += 1;
            insert.execute(params_from_iter(values))?;
        }
        Ok(true)
    })
}

/// Puts the rows back.
pub fn put_back(connection: &Connection, table: &KeptTable, expected: u64) -> Result<()> {
    let names: Vec<String> = table.columns.iter().map(|name| double_quote_identifier(name)).collect();
    // The table's own conflict clauses would replace or drop rows without a word.
    let sql = format!(
        "INSERT OR ABORT INTO {} ({}) SELECT {} FROM temp.waybill_returned_{}",
        main_table(&table.name),
        names.join(", "),
        table.all_columns().join(", "),
        table.number
    );
    let returned = connection.execute(&sql, []).map_err(|error| not_undone(error, &table.name))?;
    undo_rules::check_done(&table.name, expected, returned as u64)
}
