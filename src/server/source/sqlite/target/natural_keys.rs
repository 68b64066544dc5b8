//! Finds the records of a file that are there under another key, and lets them and what refers to them have that one.
//!
//! Rows come one by one: what the table had before the first of them is copied, as far as natural keys go, and what the file has had
//! so far is kept beside it.

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use super::super::super::merge_rules::NaturalKey;
use super::super::super::target::TableLoad;
use super::super::super::{Error, Result, unmatched};
use super::super::key_sets::main_table;
use super::super::snapshot::to_value;
use super::changes::{column, folded, numbered, of};
use super::row_buffer::RowBuffer;
use crate::server::rows::{ForeignKey, RowSink};

/// Creates the tables for the matches of a load, if it has natural keys.
pub fn prepare(connection: &Connection, number: usize, load: &TableLoad) -> Result<()> {
    if load.merge.natural_keys.is_empty() {
        return Ok(());
    }
    connection.execute_batch(&format!(
        "CREATE TEMP TABLE waybill_match_{number} (file_text TEXT PRIMARY KEY, file, own UNIQUE) WITHOUT ROWID"
    ))?;
    for (at, natural) in load.merge.natural_keys.iter().enumerate() {
        let columns = numbered("", "n", natural.0.len()).join(", ");
        connection.execute_batch(&format!(
            "CREATE TEMP TABLE waybill_here_{number}_{at} ({columns}, own, PRIMARY KEY ({columns}, own)) WITHOUT ROWID;
             CREATE TEMP TABLE waybill_file_{number}_{at} ({columns}, key, is_new, PRIMARY KEY ({columns}, key)) WITHOUT ROWID"
        ))?;
    }
    Ok(())
}

/// Copies the natural keys that the table has.
pub fn begin(connection: &Connection, number: usize, load: &TableLoad) -> Result<()> {
    for (at, natural) in load.merge.natural_keys.iter().enumerate() {
        let values: Vec<String> =
            natural.0.iter().map(|part| folded(&column("t", &part.name), part.folds_case)).collect();
        let own = column("t", &load.key[0]);
        let is_set: Vec<String> = values.iter().map(|value| format!("{value} IS NOT NULL")).collect();
        connection.execute_batch(&format!(
            "INSERT OR IGNORE INTO temp.waybill_here_{number}_{at} SELECT {}, {own} FROM {} AS t WHERE {}",
            values.join(", "),
            main_table(&load.table),
            is_set.join(" AND ")
        ))?;
    }
    Ok(())
}

/// Gives the row the key of the record that it is, and lets it refer to the keys that are there.
///
/// # Errors
/// `Refused` where a natural key does not tell which record is meant.
pub fn apply(
    connection: &Connection,
    number: usize,
    loads: &[TableLoad],
    matched: &[u64],
    row: &mut RowBuffer,
) -> Result<bool> {
    let load = &loads[number];
    for (target, _) in matched.iter().enumerate().filter(|(_, matched)| **matched > 0) {
        follow(connection, load, (target, &loads[target]), row)?;
    }
    if load.merge.natural_keys.is_empty() {
        return Ok(false);
    }
    let key = key_of(load, row)?;
    let known = format!("SELECT 1 FROM {} AS t WHERE {} = ?1", main_table(&load.table), column("t", &load.key[0]));
    let is_new = !connection.prepare_cached(&known)?.exists([&key])?;
    let mut found: Vec<Value> = Vec::new();
    for at in 0..load.merge.natural_keys.len() {
        for own in find(connection, number, load, at, row, (&key, is_new))? {
            if !found.contains(&own) {
                found.push(own);
            }
        }
    }
    let own = match found.as_slice() {
        [] => return Ok(false),
        [own] => own,
        _ => return Err(unmatched::ambiguous(load, &text_of(&key))),
    };
    let taken = format!("INSERT OR IGNORE INTO temp.waybill_match_{number} VALUES (CAST(?1 AS TEXT), ?1, ?2)");
    if connection.prepare_cached(&taken)?.execute([&key, own])? == 0 {
        return Err(unmatched::ambiguous(load, &text_of(&key)));
    }
    if let Some(place) = place_of(load, &load.key[0]) {
        row.replace(place, ValueRef::from(own));
    }
    Ok(true)
}

/// The keys that are there under the natural key of this number. What the file had before is checked on the way.
fn find(
    connection: &Connection,
    number: usize,
    load: &TableLoad,
    at: usize,
    row: &RowBuffer,
    (key, is_new): (&Value, bool),
) -> Result<Vec<Value>> {
    let NaturalKey(parts) = &load.merge.natural_keys[at];
    let values: Vec<Value> =
        of(load, row, parts.iter().map(|part| &part.name)).into_iter().map(owned).collect::<Result<_>>()?;
    if values.contains(&Value::Null) {
        return Ok(Vec::new());
    }
    let is_same = |alias: &str| {
        let pairs = numbered(alias, "n", parts.len()).into_iter().zip(parts).zip(1..);
        let pairs = pairs
            .map(|((column, part), place)| format!("{column} = {}", folded(&format!("?{place}"), part.folds_case)));
        pairs.collect::<Vec<_>>().join(" AND ")
    };
    let earlier = format!(
        "SELECT f.key FROM temp.waybill_file_{number}_{at} AS f WHERE {} AND (f.is_new OR {})",
        is_same("f."),
        u8::from(is_new)
    );
    let earlier: Option<Value> =
        connection.prepare_cached(&earlier)?.query_row(params_from_iter(&values), |row| row.get(0)).optional()?;
    if let Some(earlier) = earlier {
        let keys = [text_of(&earlier), text_of(key)];
        let keys = [keys[0].as_str(), keys[1].as_str()];
        return Err(unmatched::duplicate_in_file(load, &load.merge.natural_keys[at], keys));
    }
    let folded: Vec<String> =
        parts.iter().zip(1..).map(|(part, place)| folded(&format!("?{place}"), part.folds_case)).collect();
    let (key_place, new_place) = (parts.len() + 1, u8::from(is_new));
    let keep = format!(
        "INSERT OR IGNORE INTO temp.waybill_file_{number}_{at} VALUES ({}, ?{key_place}, {new_place})",
        folded.join(", ")
    );
    connection.prepare_cached(&keep)?.execute(params_from_iter(values.iter().chain([key])))?;
    if !is_new {
        return Ok(Vec::new());
    }
    // One that another record of the file has the key of is that one.
    let here = format!(
        "SELECT h.own FROM temp.waybill_here_{number}_{at} AS h WHERE {} \
         AND NOT EXISTS (SELECT 1 FROM temp.waybill_seen_{number} AS s WHERE s.k0 = h.own) LIMIT 2",
        is_same("h.")
    );
    let mut statement = connection.prepare_cached(&here)?;
    let found = statement.query_map(params_from_iter(&values), |row| row.get(0))?;
    Ok(found.collect::<rusqlite::Result<Vec<Value>>>()?)
}

/// Lets the row refer to the key that is there.
fn follow(
    connection: &Connection,
    load: &TableLoad,
    (number, target): (usize, &TableLoad),
    row: &mut RowBuffer,
) -> Result<()> {
    for key in &load.merge.references {
        let Some(place) = referring_column(key, load, target).and_then(|name| place_of(load, name)) else { continue };
        if !applies(key, load, row)? {
            continue;
        }
        let Some(value) = row.values().nth(place).map(owned).transpose()? else { continue };
        let sql = format!("SELECT m.own FROM temp.waybill_match_{number} AS m WHERE m.file_text = CAST(?1 AS TEXT)");
        let own: Option<Value> = connection.prepare_cached(&sql)?.query_row([&value], |row| row.get(0)).optional()?;
        if let Some(own) = own {
            row.replace(place, ValueRef::from(&own));
        }
    }
    Ok(())
}

/// # Errors
/// `Refused` if a record that was written already refers to one that was found only after it.
pub fn check_not_referring(connection: &Connection, number: usize, loads: &[TableLoad]) -> Result<()> {
    let target = &loads[number];
    for (at, load) in loads.iter().enumerate().take(number + 1).filter(|(_, load)| !load.key.is_empty()) {
        for key in &load.merge.references {
            let Some(name) = referring_column(key, load, target) else { continue };
            let is_seen = numbered("s.", "k", load.key.len()).into_iter().zip(&load.key);
            let is_seen: Vec<String> = is_seen.map(|(seen, name)| format!("{seen} = {}", column("t", name))).collect();
            let applies: Vec<String> = key
                .when
                .iter()
                .map(|(name, texts)| {
                    let texts: Vec<String> = texts.iter().map(|text| format!("'{text}'")).collect();
                    format!(" AND CAST({} AS TEXT) IN ({})", column("t", name), texts.join(", "))
                })
                .collect();
            let sql = format!(
                "SELECT count(*) FROM temp.waybill_match_{number} AS m JOIN {} AS t ON CAST({} AS TEXT) = m.file_text \
                 JOIN temp.waybill_seen_{at} AS s ON {}{}",
                main_table(&load.table),
                column("t", name),
                is_seen.join(" AND "),
                applies.concat()
            );
            let records: u64 = connection.query_row(&sql, [], |row| row.get(0))?;
            if records > 0 {
                return Err(unmatched::comes_earlier(&load.table, &target.table, records));
            }
        }
    }
    Ok(())
}

/// Pushes the pairs of keys, the file's first.
pub fn push(connection: &Connection, number: usize, load: &TableLoad, sink: &mut dyn RowSink) -> Result<()> {
    if load.merge.natural_keys.is_empty() {
        return Ok(());
    }
    let mut statement =
        connection.prepare(&format!("SELECT file, own FROM temp.waybill_match_{number} ORDER BY file"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        for place in 0..2 {
            sink.push_value(to_value(row.get_ref(place)?)).map_err(|_| Error::sink_stopped())?;
        }
        sink.end_row().map_err(|_| Error::sink_stopped())?;
    }
    Ok(())
}

/// The column of the reference that has the key of `target`.
fn referring_column<'k>(key: &'k ForeignKey, load: &TableLoad, target: &TableLoad) -> Option<&'k String> {
    let has_matches = key.target == target.table && !target.merge.natural_keys.is_empty();
    let place = key.target_columns.iter().position(|column| has_matches && target.key == [column.clone()])?;
    key.columns.get(place).filter(|name| load.columns.contains(name))
}

/// Whether the row refers to this table at all.
fn applies(key: &ForeignKey, load: &TableLoad, row: &RowBuffer) -> Result<bool> {
    for (name, texts) in &key.when {
        let value = of(load, row, std::iter::once(name)).into_iter().next().map(owned).transpose()?;
        if !value.is_some_and(|value| texts.contains(&text_of(&value))) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn place_of(load: &TableLoad, name: &String) -> Option<usize> {
    load.columns.iter().position(|column| column == name)
}

fn key_of(load: &TableLoad, row: &RowBuffer) -> Result<Value> {
    let value = of(load, row, load.key.iter()).into_iter().next();
    value.map_or(Ok(Value::Null), owned)
}

fn owned(value: ToSqlOutput<'_>) -> Result<Value> {
    Ok(match value {
        ToSqlOutput::Borrowed(value) => Value::try_from(value).map_err(rusqlite::Error::from)?,
        ToSqlOutput::Owned(value) => value,
        _ => Value::Null,
    })
}

/// For people.
fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Integer(n) => n.to_string(),
        Value::Real(n) => n.to_string(),
        Value::Text(text) => text.clone(),
        Value::Blob(bytes) => hex::encode(bytes),
    }
}
