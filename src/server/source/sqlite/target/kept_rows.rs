//! Collects which rows an import creates and replaces, and writes them to its undo file before the commit.

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, Row, params_from_iter};

use super::super::super::target::TableLoad;
use super::super::super::{Error, Kind, Result, SourceIdentity, undo_rules};
use super::super::key_sets::main_table;
use super::super::row_identity::{self, digest, rowid_name, stored_columns};
use super::changes::{self, column, numbered};
use super::dangling;
use super::row_buffer::RowBuffer;
use super::undo_file::{KeptTable, NewUndoFile, RemovedRows, UndoFolder};
use crate::model::import::TableMode;
use crate::model::import_undo::KeptImport;

/// What is kept of one import, which is not committed yet.
pub struct KeptRows {
    folder: UndoFolder,
    import: String,
    file: NewUndoFile,
    /// In the order of the loads; nothing of a table without a key that is merged, into which no row comes.
    tables: Vec<Option<KeptTable>>,
    /// Of tables that are appended to.
    appended: Vec<Option<LastAppended>>,
}

/// How the row that was appended last is kept.
struct LastAppended {
    insert: String,
    /// Whether the statement takes the row's key, since the table has no row ids.
    takes_key: bool,
}

impl KeptRows {
    /// # Errors
    /// `Refused` if the rows of a table cannot be found again later; `Failed` if nothing can be kept.
    pub fn begin(
        connection: &Connection,
        folder: &UndoFolder,
        import: &KeptImport,
        database: &SourceIdentity,
        loads: &[TableLoad],
    ) -> Result<Self> {
        let file = folder.create(import, database)?;
        let (mut tables, mut appended) = (Vec::new(), Vec::new());
        for (number, load) in loads.iter().enumerate() {
            let table = kept_table(connection, number, load)?;
            let appends_to = table.as_ref().filter(|_| load.mode == TableMode::Append);
            appended.push(appends_to.map(|table| LastAppended::prepare(connection, load, table)).transpose()?);
            tables.push(table);
        }
        Ok(Self { folder: folder.clone(), import: import.id.clone(), file, tables, appended })
    }

    /// Keeps what a row is found by that was just appended. Into empty tables, all rows come from the import.
    pub fn keep_appended(
        &self,
        connection: &Connection,
        number: usize,
        load: &TableLoad,
        row: &RowBuffer,
    ) -> Result<()> {
        let (Some(table), Some(last)) = (&self.tables[number], &self.appended[number]) else { return Ok(()) };
        let key = if last.takes_key { changes::of(load, row, table.found_by.iter()) } else { Vec::new() };
        match connection.prepare_cached(&last.insert)?.execute(params_from_iter(key))? {
            1 => Ok(()),
            kept => Err(undo_rules::not_found_again(&load.table, kept as u64, 1)),
        }
    }

    /// Keeps the rows of a table that are going to be removed.
    pub fn keep_removed(&self, connection: &Connection, number: usize) -> Result<()> {
        let Some(table) = &self.tables[number] else { return Ok(()) };
        let sql = format!(
            "SELECT {} FROM {} AS t WHERE ({}) IN (SELECT {} FROM temp.waybill_gone_{number})",
            list("t", &table.columns),
            main_table(&table.name),
            list("t", &table.found_by),
            numbered("", "k", table.found_by.len()).join(", ")
        );
        let mut statement = connection.prepare(&sql)?;
        let mut rows = statement.query([])?;
        let mut removed: Option<RemovedRows<'_>> = None;
        while let Some(row) = rows.next()? {
            if removed.is_none() {
                removed = Some(self.file.begin_removed(table).map_err(|cause| self.folder.unusable(&cause))?);
            }
            let values = (0..table.columns.len()).map(|place| value(row, place)).collect::<Result<Vec<_>>>()?;
            let pushed = removed.as_mut().map_or(Ok(()), |removed| removed.push(&values));
            pushed.map_err(|cause| self.folder.unusable(&cause))?;
        }
        Ok(())
    }

    /// Writes the file, whole and on disk. Returns the import's id.
    ///
    /// # Errors
    /// `Refused` if a row that was written is not there any more; `Failed` if nothing can be kept.
    pub fn finish(self, connection: &Connection, loads: &[TableLoad]) -> Result<String> {
        let Self { folder, import, file, tables, .. } = self;
        for (load, table) in loads.iter().zip(tables) {
            if let Some(table) = table {
                write_rows(connection, &folder, &file, load, &table)?;
            }
        }
        dangling::for_each_kept(connection, |row| file.push_dangling(row).map_err(|cause| folder.unusable(&cause)))?;
        file.finish().map_err(|cause| folder.unusable(&cause))?;
        Ok(import)
    }
}

fn kept_table(connection: &Connection, number: usize, load: &TableLoad) -> Result<Option<KeptTable>> {
    let found_by = match load.mode {
        TableMode::Merge if load.key.is_empty() => return Ok(None),
        TableMode::Merge => load.key.clone(),
        TableMode::RequireEmpty | TableMode::Append => row_identity::columns(connection, &load.table)?,
    };
    let replaced = if load.mode == TableMode::Merge { load.replaced().cloned().collect() } else { Vec::new() };
    let columns = stored_columns(connection, &load.table)?;
    Ok(Some(KeptTable { number, name: load.table.clone(), found_by, columns, replaced }))
}

impl LastAppended {
    /// Creates the table for the keys.
    fn prepare(connection: &Connection, load: &TableLoad, table: &KeptTable) -> Result<Self> {
        changes::create_seen(connection, table.number, table.found_by.len())?;
        let rowid = rowid_name(connection, &load.table)?;
        let is_last = match rowid {
            Some(name) => format!("t.{name} = last_insert_rowid()"),
            None => has_pushed_key(load, table)?,
        };
        let (number, key, from) = (table.number, list("t", &table.found_by), main_table(&load.table));
        let insert = format!("INSERT INTO temp.waybill_seen_{number} SELECT {key}, 1 FROM {from} AS t WHERE {is_last}");
        Ok(Self { insert, takes_key: rowid.is_none() })
    }
}

/// The condition on a row `t` to have the key in the parameters.
fn has_pushed_key(load: &TableLoad, table: &KeptTable) -> Result<String> {
    if let Some(filled) = table.found_by.iter().find(|name| !load.columns.contains(name)) {
        let what = format!(
            "{} is filled by the database, so that the import could not be undone: add --no-undo",
            load.table.field(filled)
        );
        return Err(Error::new(Kind::Refused, what));
    }
    let is_same = table.found_by.iter().zip(1..).map(|(name, place)| format!("{} = ?{place}", column("t", name)));
    Ok(is_same.collect::<Vec<_>>().join(" AND "))
}

/// Writes the rows of a table that the import has created or replaced, as they are now.
fn write_rows(
    connection: &Connection,
    folder: &UndoFolder,
    file: &NewUndoFile,
    load: &TableLoad,
    table: &KeptTable,
) -> Result<()> {
    let mut kept_rows = file.begin_table(table).map_err(|cause| folder.unusable(&cause))?;
    let mut statement = connection.prepare(&written_rows_sql(load, table))?;
    let mut rows = statement.query([])?;
    let (mut found, mut written) = (0, 0);
    let kept = table.found_by.len() + table.replaced.len();
    while let Some(row) = rows.next()? {
        written += 1;
        if !row.get::<_, bool>(1)? {
            continue;
        }
        found += 1;
        let digest = digest(row, 2 + kept, table.columns.len())?;
        let values = (2..2 + kept).map(|place| value(row, place)).collect::<Result<Vec<_>>>()?;
        kept_rows.push(&digest, row.get(0)?, &values).map_err(|cause| folder.unusable(&cause))?;
    }
    let written = match load.mode {
        TableMode::RequireEmpty => written,
        TableMode::Append | TableMode::Merge => count_written(connection, load, table)?,
    };
    if found == written { Ok(()) } else { Err(undo_rules::not_found_again(&load.table, found, written)) }
}

/// How many rows were written, as their keys say.
fn count_written(connection: &Connection, load: &TableLoad, table: &KeptTable) -> Result<u64> {
    let number = table.number;
    let mut sql = format!("SELECT count(*) FROM temp.waybill_seen_{number} AS s");
    if load.mode == TableMode::Merge {
        let [before, seen] = ["b.", "s."].map(|alias| numbered(alias, "k", table.found_by.len()));
        let is_same: Vec<String> =
            before.iter().zip(&seen).map(|(before, seen)| format!("{before} = {seen}")).collect();
        sql.push_str(
            &[" LEFT JOIN temp.waybill_before_", &number.to_string(), " AS b ON ", &is_same.join(" AND ")].concat(),
        );
        sql.push_str(" WHERE s.is_new OR b.k0 IS NOT NULL");
    }
    Ok(connection.query_row(&sql, [], |row| row.get(0))?)
}

/// Selects of each row whether it is new, whether it is there, what it is found by, what it had before, and what it has now.
fn written_rows_sql(load: &TableLoad, table: &KeptTable) -> String {
    let (number, from, now) = (table.number, main_table(&load.table), list("t", &table.columns));
    let own = list("t", &table.found_by);
    if load.mode == TableMode::RequireEmpty {
        return format!("SELECT TRUE, TRUE, {own}, {now} FROM {from} AS t");
    }
    let keys = numbered("s.", "k", table.found_by.len());
    let same = |names: &[String]| {
        let pairs = names.iter().zip(&keys).map(|(name, key)| format!("{name} = {key}"));
        pairs.collect::<Vec<_>>().join(" AND ")
    };
    let own: Vec<String> = table.found_by.iter().map(|name| column("t", name)).collect();
    let is_there = format!("{} IS NOT NULL", own[0]);
    let joined = format!("temp.waybill_seen_{number} AS s LEFT JOIN {from} AS t ON {}", same(&own));
    if load.mode == TableMode::Append {
        return format!("SELECT s.is_new, {is_there}, {}, {now} FROM {joined}", keys.join(", "));
    }
    let kept = [keys.clone(), numbered("b.", "c", table.replaced.len())].concat().join(", ");
    format!(
        "SELECT s.is_new, {is_there}, {kept}, {now} FROM {joined}
           LEFT JOIN temp.waybill_before_{number} AS b ON {} WHERE s.is_new OR b.k0 IS NOT NULL",
        same(&numbered("b.", "k", table.found_by.len()))
    )
}

fn list(alias: &str, names: &[String]) -> String {
    names.iter().map(|name| column(alias, name)).collect::<Vec<_>>().join(", ")
}

fn value<'r>(row: &'r Row<'_>, place: usize) -> Result<ToSqlOutput<'r>> {
    let value: ValueRef<'r> = row.get_ref(place)?;
    Ok(ToSqlOutput::Borrowed(value))
}
