//! Removes the rows that the file does not have.

use rusqlite::{Connection, params_from_iter};

use super::super::super::target::{Removal, TableLoad};
use super::super::super::{Error, Kind, Result};
use super::super::error::refused;
use super::super::key_sets::{KeySets, main_table};
use super::super::snapshot::to_value;
use super::changes::{column, numbered};
use super::row_buffer::RowBuffer;
use crate::model::change_reason::ChangeReason;
use crate::server::rows::{RowSink, Value};

/// Creates the tables for the keys of the file's rows, and for those of the rows that are removed.
pub fn prepare(connection: &Connection, number: usize, load: &TableLoad) -> Result<()> {
    let (names, table) = (numbered("", "k", load.key.len()), main_table(&load.table));
    let typed = load.key.iter().zip(&names).map(|(own, name)| format!("{} AS {name}", column("t", own)));
    let (typed, key) = (typed.collect::<Vec<_>>().join(", "), names.join(", "));
    Ok(connection.execute_batch(&format!(
        // With the types of the table's columns, since SQLite compares a text and a number by these.
        "CREATE TEMP TABLE waybill_file_keys_{number} AS SELECT {typed} FROM {table} AS t WHERE FALSE;
         CREATE UNIQUE INDEX temp.waybill_file_key_{number} ON waybill_file_keys_{number} ({key});
         CREATE TEMP TABLE waybill_gone_{number} ({key}{}, PRIMARY KEY ({key})) WITHOUT ROWID",
        recorded(load).map(|(value, _)| [", ", &value].concat()).collect::<String>()
    ))?)
}

/// The columns with the values that a plan has of a removed row `t`, and these: whoever has changed it since must not lose that.
fn recorded(load: &TableLoad) -> impl Iterator<Item = (String, String)> {
    let replaced = load.replaced().filter(|_| load.is_recorded).map(|name| column("t", name));
    numbered("", "c", load.replaced().count()).into_iter().zip(replaced)
}

/// Keeps a key of the file: the values come in the order of the table's columns.
pub fn keep_key(connection: &Connection, number: usize, load: &TableLoad, row: &RowBuffer) -> Result<()> {
    let pushed = load.columns.iter().filter(|name| load.key.contains(name));
    let values: Vec<_> = pushed.zip(row.values()).collect();
    let key = load.key.iter().filter_map(|name| values.iter().find(|(pushed, _)| *pushed == name));
    let places = vec!["?"; load.key.len()].join(", ");
    // One that the file has twice is refused when its rows are written.
    let sql = format!("INSERT OR IGNORE INTO temp.waybill_file_keys_{number} VALUES ({places})");
    connection.prepare_cached(&sql)?.execute(params_from_iter(key.map(|(_, value)| value.clone())))?;
    Ok(())
}

/// Finds the rows that are removed.
pub fn find(connection: &Connection, key_sets: &KeySets, number: usize, load: &TableLoad) -> Result<()> {
    let own: Vec<String> = load.key.iter().map(|name| column("t", name)).collect();
    let is_same = |alias: &str| {
        let keys = numbered(alias, "k", own.len());
        own.iter().zip(keys).map(|(own, key)| format!("{own} = {key}")).collect::<Vec<_>>().join(" AND ")
    };
    let (whose, owner) = match (&load.removal, &load.owner) {
        (Some(Removal::OfOwner(id)), Some(owner)) => (format!("{} = ?1", column("t", owner)), vec![id]),
        (Some(Removal::All), _) => ("TRUE".to_owned(), Vec::new()),
        (Some(Removal::Selected(set)), _) => (key_sets.contains_sql(*set, "t")?, Vec::new()),
        _ => ("FALSE".to_owned(), Vec::new()),
    };
    // A row without a key is in no file that tells rows apart.
    let sql = format!(
        "INSERT INTO temp.waybill_gone_{number} SELECT {} FROM {} AS t
          WHERE {whose} AND NOT EXISTS (SELECT 1 FROM temp.waybill_file_keys_{number} AS k WHERE {})",
        own.iter().cloned().chain(recorded(load).map(|(_, value)| value)).collect::<Vec<_>>().join(", "),
        main_table(&load.table),
        is_same("k.")
    );
    connection.execute(&sql, params_from_iter(owner)).map_err(|error| {
        refused(error, |message| format!("records of {} cannot be told from each other: {message}", load.table))
    })?;
    Ok(())
}

/// Removes them.
pub fn remove(connection: &Connection, number: usize, load: &TableLoad) -> Result<()> {
    let own: Vec<String> = load.key.iter().map(|name| column("t", name)).collect();
    let sql = format!(
        "DELETE FROM {} AS t WHERE ({}) IN (SELECT {} FROM temp.waybill_gone_{number})",
        main_table(&load.table),
        own.join(", "),
        numbered("", "k", own.len()).join(", ")
    );
    let removed = connection.execute(&sql, []).map_err(|error| {
        refused(error, |message| format!("a record of {} is not removed by the database: {message}", load.table))
    })?;
    let expected = count(connection, number, load)?;
    if removed as u64 == expected {
        return Ok(());
    }
    let what = format!(
        "the database has removed {removed} of {expected} records of {}: a trigger keeps the others",
        load.table
    );
    Err(Error::new(Kind::Refused, what))
}

/// How many rows are removed.
pub fn count(connection: &Connection, number: usize, load: &TableLoad) -> Result<u64> {
    if load.removal.is_none() || load.key.is_empty() {
        return Ok(0);
    }
    let sql = format!("SELECT count(*) FROM temp.waybill_gone_{number}");
    Ok(connection.query_row(&sql, [], |row| row.get(0))?)
}

/// Pushes the removed rows, as `Load::end_table` describes them.
pub fn push(connection: &Connection, number: usize, load: &TableLoad, changes: &mut dyn RowSink) -> Result<()> {
    if load.removal.is_none() {
        return Ok(());
    }
    let keys = numbered("", "k", load.key.len()).join(", ");
    let recorded: String = recorded(load).map(|(value, _)| [", ", &value].concat()).collect();
    let mut statement =
        connection.prepare(&format!("SELECT {keys}{recorded} FROM temp.waybill_gone_{number} ORDER BY {keys}"))?;
    let mut rows = statement.query([])?;
    let stopped = |_| Error::sink_stopped();
    while let Some(row) = rows.next()? {
        changes.push_value(Value::Integer(ChangeReason::NotInFile.number())).map_err(stopped)?;
        for place in 0..load.key.len() {
            changes.push_value(to_value(row.get_ref(place)?)).map_err(stopped)?;
        }
        for place in load.key.len()..load.key.len() + load.replaced().count() {
            let value = if load.is_recorded { to_value(row.get_ref(place)?) } else { Value::Null };
            changes.push_value(value).map_err(stopped)?;
            changes.push_value(Value::Null).map_err(stopped)?;
        }
        changes.end_row().map_err(stopped)?;
    }
    Ok(())
}
