//! What a merge changes: the keys of the file's rows, and the rows that they replace, in temporary tables.

use rusqlite::types::ToSqlOutput;
use rusqlite::{Connection, params_from_iter};

use super::super::super::target::TableLoad;
use super::super::super::{Error, Result, double_quote_identifier};
use super::super::key_sets::main_table;
use super::super::snapshot::to_value;
use super::row_buffer::RowBuffer;
use crate::model::change_reason::ChangeReason;
use crate::server::rows::RowSink;

/// Creates the table for the keys of the load with this number, which are of so many columns.
pub fn create_seen(connection: &Connection, number: usize, key_columns: usize) -> Result<()> {
    let key = numbered("", "k", key_columns).join(", ");
    Ok(connection.execute_batch(&format!(
        "CREATE TEMP TABLE waybill_seen_{number} ({key}, is_new INTEGER, PRIMARY KEY ({key})) WITHOUT ROWID"
    ))?)
}

/// Creates the table for what a merge replaces, each with the number of its `ChangeReason`.
pub fn create_before(connection: &Connection, number: usize, load: &TableLoad) -> Result<()> {
    let key = numbered("", "k", load.key.len());
    let columns = [key.clone(), numbered("", "c", load.replaced().count())].concat().join(", ");
    Ok(connection.execute_batch(&format!(
        "CREATE TEMP TABLE waybill_before_{number} ({columns}, reason INTEGER, PRIMARY KEY ({})) WITHOUT ROWID",
        key.join(", ")
    ))?)
}

/// Keeps what the table has in place of this row.
pub fn keep_before(
    connection: &Connection,
    number: usize,
    load: &TableLoad,
    row: &RowBuffer,
    reason: ChangeReason,
) -> Result<()> {
    let columns: Vec<String> = load.key.iter().chain(load.replaced()).map(|name| column("t", name)).collect();
    let sql = format!(
        "INSERT OR IGNORE INTO temp.waybill_before_{number} SELECT {}, {} FROM {} AS t WHERE {}",
        columns.join(", "),
        reason.number(),
        main_table(&load.table),
        has_key(load)
    );
    connection.prepare_cached(&sql)?.execute(params_from_iter(of(load, row, load.key.iter())))?;
    Ok(())
}

/// Keeps the key of a row that was written, as the table has it: its types and collations decide which keys are the same. Returns
/// false for one that the file had before, and for one that the table does not have.
pub fn keep_key(
    connection: &Connection,
    number: usize,
    load: &TableLoad,
    row: &RowBuffer,
    is_new: bool,
) -> Result<bool> {
    let key: Vec<String> = load.key.iter().map(|name| column("t", name)).collect();
    let sql = format!(
        "INSERT OR IGNORE INTO temp.waybill_seen_{number} SELECT {}, {} FROM {} AS t WHERE {}",
        key.join(", "),
        u8::from(is_new),
        main_table(&load.table),
        has_key(load)
    );
    Ok(connection.prepare_cached(&sql)?.execute(params_from_iter(of(load, row, load.key.iter())))? == 1)
}

/// Pushes the changes, as `Load::end_table` describes them.
pub fn push(connection: &Connection, number: usize, load: &TableLoad, changes: &mut dyn RowSink) -> Result<()> {
    let (seen, own) = (numbered("s.", "k", load.key.len()), load.key.iter().map(|name| column("t", name)));
    let is_same: Vec<String> = own.clone().zip(&seen).map(|(own, seen)| format!("{own} = {seen}")).collect();
    let before = numbered("b.", "k", load.key.len());
    let is_before: Vec<String> = before.iter().zip(&seen).map(|(before, seen)| format!("{before} = {seen}")).collect();
    let replaced = load.replaced().enumerate().map(|(place, name)| [format!("b.c{place}"), column("t", name)]);
    let pairs: Vec<[String; 2]> = replaced.collect();
    let differs: Vec<String> = pairs.iter().map(|[before, now]| differ(before, now)).collect();
    let differs = if differs.is_empty() { "FALSE".to_owned() } else { differs.join(" OR ") };
    let reason = format!("CASE WHEN s.is_new THEN {} ELSE b.reason END", ChangeReason::NewKey.number());
    let selected: Vec<String> = std::iter::once(reason).chain(own).chain(pairs.into_iter().flatten()).collect();
    let sql = format!(
        "SELECT {} FROM temp.waybill_seen_{number} AS s CROSS JOIN {} AS t ON {} \
         LEFT JOIN temp.waybill_before_{number} AS b ON {} WHERE s.is_new OR b.k0 IS NOT NULL AND ({differs}) ORDER BY {}",
        selected.join(", "),
        main_table(&load.table),
        is_same.join(" AND "),
        is_before.join(" AND "),
        seen.join(", ")
    );
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        for place in 0..selected.len() {
            changes.push_value(to_value(row.get_ref(place)?)).map_err(|_| Error::sink_stopped())?;
        }
        changes.end_row().map_err(|_| Error::sink_stopped())?;
    }
    Ok(())
}

/// The condition on a row `t` to have the key in the first parameters.
pub fn has_key(load: &TableLoad) -> String {
    let is_same = load.key.iter().zip(1..).map(|(name, place)| format!("{} = ?{place}", column("t", name)));
    is_same.collect::<Vec<_>>().join(" AND ")
}

/// IS compares by value, and texts as the column collates them: 1 and 1.0 are the same to it, as may be `a` and `A`. The kind of
/// value tells the first apart, and comparing bytes the second.
pub fn differ(one: &str, other: &str) -> String {
    format!("{one} IS NOT {other} COLLATE BINARY OR typeof({one}) <> typeof({other})")
}

/// These values of a row.
pub fn of<'r, 'n>(
    load: &TableLoad,
    row: &'r RowBuffer,
    names: impl Iterator<Item = &'n String>,
) -> Vec<ToSqlOutput<'r>> {
    let values: Vec<ToSqlOutput<'r>> = row.values().collect();
    let places = names.filter_map(|name| load.columns.iter().position(|column| column == name));
    places.map(|place| values[place].clone()).collect()
}

pub fn numbered(prefix: &str, letter: &str, count: usize) -> Vec<String> {
    (0..count).map(|place| format!("{prefix}{letter}{place}")).collect()
}

pub fn column(alias: &str, name: &str) -> String {
    format!("{alias}.{}", double_quote_identifier(name))
}

/// A value as natural keys compare it, as text: 1 and '1' are the same in a column of texts. Bytes are the same as nothing.
pub fn folded(value: &str, folds_case: bool) -> String {
    let text = format!("CASE typeof({value}) WHEN 'blob' THEN NULL ELSE CAST({value} AS TEXT) END");
    if folds_case { format!("lower({text})") } else { text }
}
