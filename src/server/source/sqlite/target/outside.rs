//! Rows that the replacement of a part is not about, and references that lead out of the part.

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use super::super::super::Result;
use super::super::super::merge_rules::EmptiedReference;
use super::super::super::target::{Removal, TableLoad};
use super::super::key_sets::{KeySets, main_table, refers_sql};
use super::changes::{column, has_key, numbered, of};
use super::row_buffer::RowBuffer;
use crate::server::rows::ForeignKey;

/// Gives a row the references of the row that is there, where the file may have none since they lead out of its part.
pub fn keep_references(
    connection: &Connection,
    loads: &[TableLoad],
    load: &TableLoad,
    row: &mut RowBuffer,
) -> Result<()> {
    let place = |emptied: &EmptiedReference| load.columns.iter().position(|column| *column == emptied.column);
    let is_null = |place: usize| matches!(row.values().nth(place), Some(ToSqlOutput::Borrowed(ValueRef::Null)));
    let empty = load.emptied.iter().filter_map(|emptied| Some((emptied, place(emptied)?)));
    let empty: Vec<_> = empty.filter(|(_, at)| is_null(*at)).collect();
    for (EmptiedReference { column: name, keys, with }, at) in empty {
        let leads_outside: Vec<String> = match load.removal {
            Some(_) => keys.iter().map(|key| leads_outside_sql(loads, key)).collect(),
            None => vec!["TRUE".to_owned()],
        };
        let is_same = with.iter().zip(load.key.len() + 1..);
        let is_same: Vec<String> =
            is_same.map(|(name, place)| format!(" AND {} IS ?{place}", column("t", name))).collect();
        let sql = format!(
            "SELECT {} FROM {} AS t WHERE {}{} AND ({})",
            column("t", name),
            main_table(&load.table),
            has_key(load),
            is_same.concat(),
            leads_outside.join(" OR ")
        );
        let key = of(load, row, load.key.iter().chain(with));
        let own: Option<Value> =
            connection.prepare_cached(&sql)?.query_row(params_from_iter(key), |row| row.get(0)).optional()?;
        if let Some(own) = own {
            row.replace(at, ValueRef::from(&own));
        }
    }
    Ok(())
}

/// The condition that the reference of the row `t` leads to a row that the file does not have. What is removed is gone already.
fn leads_outside_sql(loads: &[TableLoad], key: &ForeignKey) -> String {
    let is_loaded = |load: &&TableLoad| load.table == key.target && load.removal.is_some() && !load.key.is_empty();
    let stays = loads.iter().position(|load| is_loaded(&load)).map(|number| {
        let own = loads[number].key.iter().map(|name| column("r", name));
        let is_same: Vec<String> = own
            .zip(numbered("k.", "k", loads[number].key.len()))
            .map(|(own, file)| format!("{own} = {file}"))
            .collect();
        format!(" AND NOT EXISTS (SELECT 1 FROM temp.waybill_file_keys_{number} AS k WHERE {})", is_same.join(" AND "))
    });
    let (target, refers) = (main_table(&key.target), refers_sql("t", key, "r"));
    format!("EXISTS (SELECT 1 FROM {target} AS r WHERE {refers}{})", stays.unwrap_or_default())
}

/// Whether the row that is there with the key of this one stays as it is, since the replacement is not about it.
pub fn is_outside(connection: &Connection, key_sets: &KeySets, load: &TableLoad, row: &RowBuffer) -> Result<bool> {
    let set = match &load.removal {
        Some(Removal::Selected(set)) => *set,
        Some(Removal::Nothing) => return Ok(true),
        Some(Removal::All | Removal::OfOwner(_)) | None => return Ok(false),
    };
    let is_selected = format!(
        "SELECT EXISTS (SELECT 1 FROM {} AS t WHERE {} AND {})",
        main_table(&load.table),
        has_key(load),
        key_sets.contains_sql(set, "t")?
    );
    let key = of(load, row, load.key.iter());
    let is_selected: bool =
        connection.prepare_cached(&is_selected)?.query_row(params_from_iter(key), |row| row.get(0))?;
    Ok(!is_selected)
}
