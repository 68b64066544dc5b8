//! Undoes an import, in one transaction: removes the rows that it has created, and gives the others their values back.
//!
//! A row that is no longer what the import has made of it is not touched. A dry run does all of it in a private copy of the file.

use std::collections::BTreeSet;

use rusqlite::types::ToSqlOutput;
use rusqlite::{Connection, OpenFlags, params_from_iter};

use super::super::super::target::{Purpose, UndoRequest};
use super::super::super::{Error, Kind, Result, Source, SourceIdentity, double_quote_identifier, undo_rules};
use super::super::SqliteSource;
use super::super::error::refused;
use super::super::key_sets::main_table;
use super::super::row_identity::{DIGEST_BYTES, digest, stored_columns};
use super::changes::{column, differ, numbered};
use super::undo_file::{KeptTable, UndoFile, UndoFolder};
use super::undo_words::{key_text, not_undone};
use super::writing::{self, ForeignKeys};
use super::{dangling, returned};
use crate::model::import_undo::{KeptImport, UndoReport, UndoneTable};
use crate::model::name::TableName;

/// The imports into the file that can be undone, the oldest first.
pub fn list(source: &SqliteSource, folder: &UndoFolder) -> Result<Vec<KeptImport>> {
    let files = folder.list(&source.identity()?)?;
    let connection = writing::open(source.path(), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.execute_batch("PRAGMA mmap_size = 0; PRAGMA trusted_schema = OFF; BEGIN")?;
    let mut kept = Vec::new();
    for file in files {
        // Why one that cannot be looked at cannot be undone, its undo says.
        if is_in_effect(&connection, &file).unwrap_or(true) {
            kept.push(file.import);
        }
    }
    Ok(kept)
}

/// Imports that were never committed, or of which nothing is left: no row is as they have left it, and no later import has written to their
/// tables. A later import of the same file would make their rows, too.
pub fn find_dead(connection: &Connection, folder: &UndoFolder, database: &SourceIdentity) -> Result<Vec<String>> {
    let (mut dead, mut written_later) = (Vec::new(), BTreeSet::new());
    for file in folder.list(database)?.into_iter().rev() {
        let written: Vec<TableName> = file.written_tables()?.into_iter().cloned().collect();
        let is_covered = written.iter().any(|table| written_later.contains(table));
        if !is_covered && !is_in_effect(connection, &file).unwrap_or(true) {
            dead.push(file.import.id);
        } else {
            written_later.extend(written);
        }
    }
    Ok(dead)
}

/// Whether a row is as the import has left it.
pub fn has_effect(
    connection: &Connection,
    folder: &UndoFolder,
    database: &SourceIdentity,
    import: &str,
) -> Result<bool> {
    is_in_effect(connection, &folder.open(import, database)?)
}

/// # Errors
/// `NotFound` if no such import is kept; `Refused` if rows were changed since, unless they are to be kept as they are.
pub fn undo(source: &SqliteSource, folder: &UndoFolder, request: &UndoRequest) -> Result<UndoReport> {
    let file = folder.open(&request.import, &source.identity()?)?;
    // References are looked at when all is done: nothing is to be removed along them.
    let connection = writing::begin(source.path(), request.purpose, ForeignKeys::Ignored, &|_| ())?;
    check_tables(&connection, &file)?;
    refuse_under_later(&connection, folder, &file, &source.identity()?)?;
    if !is_in_effect(&connection, &file)? {
        let what =
            "no record is as this import has made it: it was never committed, or is undone, or all were changed since";
        return Err(Error::new(Kind::Refused, what));
    }
    let tables = file.tables.iter().map(|table| find_rows(&connection, &file, table)).collect::<Result<Vec<_>>>()?;
    let report = UndoReport::new(request.import.clone(), request.purpose == Purpose::Write, tables);
    if request.purpose == Purpose::Write {
        if request.expected.as_ref().is_some_and(|expected| *expected != report.digest) {
            return Err(undo_rules::moved_since_look());
        }
        if !request.keeps_changed && report.tables.iter().any(|table| table.changed_since > 0) {
            return Err(undo_rules::changed_since(&report));
        }
    }
    put_back(&connection, &file, &report)?;
    if request.purpose == Purpose::Write {
        connection.execute_batch("COMMIT").map_err(|error| refused(error, str::to_owned))?;
        folder.forget(&request.import);
    }
    Ok(report)
}

/// A later import over the same rows has made them what they are, and what it found there is in its own file only. Imports into the data
/// of two people have no row in common, unless one was handed over since, which its digest shows.
fn refuse_under_later(
    connection: &Connection,
    folder: &UndoFolder,
    file: &UndoFile,
    database: &SourceIdentity,
) -> Result<()> {
    let written = file.written_tables()?;
    let is_of_other = |later: &UndoFile| {
        file.import.person.is_some() && later.import.person.is_some() && later.import.person != file.import.person
    };
    let is_later = |later: &&UndoFile| later.import.id > file.import.id && !is_of_other(later);
    for later in folder.list(database)?.iter().filter(is_later) {
        let shared = later.written_tables()?.into_iter().find(|table| written.contains(table));
        if let Some(table) = shared
            && is_in_effect(connection, later).unwrap_or(true)
        {
            let id = &later.import.id;
            let what = format!("the import {id} came later, and has written to {table}, too: undo that one first");
            return Err(Error::new(Kind::Refused, what));
        }
    }
    Ok(())
}

/// A migration may have come since.
fn check_tables(connection: &Connection, file: &UndoFile) -> Result<()> {
    for table in &file.tables {
        let columns = stored_columns(connection, &table.name)?;
        if columns.is_empty() {
            return Err(Error::new(Kind::Refused, format!("the database has no table {} any more", table.name)));
        }
        if columns != table.columns {
            let what = format!("{} is another table, with other columns, than at the import", table.name);
            return Err(Error::new(Kind::Refused, what));
        }
    }
    Ok(())
}

/// Whether a row is still as the import has left it. Of one that was killed before its commit, or is undone, there is none.
fn is_in_effect(connection: &Connection, file: &UndoFile) -> Result<bool> {
    let mut has_rows = false;
    for table in &file.tables {
        let mut is_same = false;
        for_each_row(connection, file, table, |row| {
            has_rows = true;
            is_same = row.now.is_some_and(|now| now == row.digest);
            Ok(!is_same)
        })?;
        if is_same {
            return Ok(true);
        }
        if file.has_removed(table)? {
            has_rows = true;
            let mut is_gone = false;
            returned::for_each_removed(connection, file, table, |_, is_there| {
                is_gone = !is_there;
                Ok(!is_gone)
            })?;
            if is_gone {
                return Ok(true);
            }
        }
    }
    Ok(!has_rows)
}

/// A row that the import has written.
struct WrittenRow<'r> {
    digest: [u8; DIGEST_BYTES],
    /// The digest of what is there now, if anything is.
    now: Option<[u8; DIGEST_BYTES]>,
    was_absent: bool,
    /// What it is found by, and then what it had before.
    values: Vec<ToSqlOutput<'r>>,
}

/// Calls `visit` with the rows of a table until it returns false.
fn for_each_row(
    connection: &Connection,
    file: &UndoFile,
    table: &KeptTable,
    mut visit: impl FnMut(WrittenRow<'_>) -> Result<bool>,
) -> Result<()> {
    let is_same = table.found_by.iter().zip(1..).map(|(name, place)| format!("{} = ?{place}", column("t", name)));
    let columns: Vec<String> = table.columns.iter().map(|name| column("t", name)).collect();
    let mut find = connection.prepare(&format!(
        "SELECT {} FROM {} AS t WHERE {}",
        columns.join(", "),
        main_table(&table.name),
        is_same.collect::<Vec<_>>().join(" AND ")
    ))?;
    let mut kept = file.connection.prepare(&format!(
        "SELECT {} FROM rows_{} ORDER BY rowid",
        table.row_columns().join(", "),
        table.number
    ))?;
    let mut rows = kept.query([])?;
    while let Some(row) = rows.next()? {
        let values = (2..2 + table.found_by.len() + table.replaced.len())
            .map(|place| Ok(ToSqlOutput::Borrowed(row.get_ref(place)?)));
        let values: Vec<ToSqlOutput<'_>> = values.collect::<Result<_>>()?;
        let mut found = find.query(params_from_iter(&values[..table.found_by.len()]))?;
        let mut now = found.next()?.map(|now| digest(now, 0, columns.len())).transpose()?;
        // What is found by this is two rows to the key's own collation: neither is surely the import's.
        if now.is_some() && found.next()?.is_some() {
            now = Some([0; DIGEST_BYTES]);
        }
        if !visit(WrittenRow { digest: row.get(0)?, now, was_absent: row.get(1)?, values })? {
            break;
        }
    }
    Ok(())
}

/// Puts the keys of the rows that are removed and restored into temporary tables.
fn find_rows(connection: &Connection, file: &UndoFile, table: &KeptTable) -> Result<UndoneTable> {
    let KeptTable { number, found_by, replaced, .. } = table;
    let keys = numbered("", "k", found_by.len());
    let (key, all) = (keys.join(", "), [keys, numbered("", "c", replaced.len())].concat());
    connection.execute_batch(&format!(
        "CREATE TEMP TABLE waybill_removed_{number} ({key}, PRIMARY KEY ({key})) WITHOUT ROWID;
         CREATE TEMP TABLE waybill_restored_{number} ({}, PRIMARY KEY ({key})) WITHOUT ROWID",
        all.join(", ")
    ))?;
    let insert = |into: &str, width| {
        let places = vec!["?"; width].join(", ");
        connection.prepare(&format!("INSERT INTO temp.waybill_{into}_{number} VALUES ({places})"))
    };
    let (mut remove, mut restore) = (insert("removed", found_by.len())?, insert("restored", all.len())?);
    let mut found = UndoneTable { table: table.name.clone(), ..UndoneTable::default() };
    for_each_row(connection, file, table, |WrittenRow { digest, now, was_absent, values }| {
        match now {
            Some(now) if now == digest && was_absent => {
                found.removed += 1;
                remove.execute(params_from_iter(&values[..found_by.len()]))?;
            }
            Some(now) if now == digest => {
                found.restored += 1;
                restore.execute(params_from_iter(&values))?;
            }
            // What was created and is gone is what an undo wants.
            None if was_absent => {}
            _ => {
                found.changed_since += 1;
                if found.examples.len() < undo_rules::MAX_EXAMPLES {
                    found.examples.push(key_text(&values[..found_by.len()]));
                }
            }
        }
        Ok(true)
    })?;
    returned::find(connection, file, table, &mut found)?;
    Ok(found)
}

/// Removes first: what is restored may need a value back that a removed row has.
fn put_back(connection: &Connection, file: &UndoFile, report: &UndoReport) -> Result<()> {
    let tables = &file.tables;
    let touched = dangling::referring_tables(connection, tables.iter().map(|table| &table.name))?;
    let touched: Vec<&TableName> = touched.iter().collect();
    dangling::keep(connection, &touched)?;
    dangling::add_kept(connection, &file.connection)?;
    for (table, found) in tables.iter().zip(&report.tables).rev().filter(|(_, found)| found.removed > 0) {
        let own: Vec<String> = table.found_by.iter().map(|name| column("t", name)).collect();
        let sql = format!(
            "DELETE FROM {} AS t WHERE ({}) IN (SELECT {} FROM temp.waybill_removed_{})",
            main_table(&table.name),
            own.join(", "),
            numbered("", "k", own.len()).join(", "),
            table.number
        );
        let removed = connection.execute(&sql, []).map_err(|error| not_undone(error, &table.name))?;
        undo_rules::check_done(&table.name, found.removed, removed as u64)?;
    }
    for (table, found) in tables.iter().zip(&report.tables).filter(|(_, found)| found.restored > 0) {
        restore(connection, table, found.restored)?;
    }
    for (table, found) in tables.iter().zip(&report.tables).filter(|(_, found)| found.returned > 0) {
        returned::put_back(connection, table, found.returned)?;
    }
    // Triggers of one table may have changed another.
    for (table, found) in tables.iter().zip(&report.tables) {
        check_put_back(connection, table, found)?;
    }
    let new = dangling::find_new(connection, &touched)?;
    if new.is_empty() {
        return Ok(());
    }
    let what = format!(
        "records that are not the import's, or were changed since, would refer to records that are not there any more: {}; remove them \
         or their references first",
        new.join(", ")
    );
    Err(Error::new(Kind::Refused, what))
}

/// Gives the rows the values back that they had, and checks that they have them then.
fn restore(connection: &Connection, table: &KeptTable, expected: u64) -> Result<()> {
    let set =
        table.replaced.iter().enumerate().map(|(at, name)| format!("{} = b.c{at}", double_quote_identifier(name)));
    let is_same = table.found_by.iter().enumerate().map(|(at, name)| format!("{} = b.k{at}", column("t", name)));
    let is_same = is_same.collect::<Vec<_>>().join(" AND ");
    let (into, number) = (main_table(&table.name), table.number);
    // The table's own conflict clauses would replace or drop rows without a word.
    let sql = format!(
        "UPDATE OR ABORT {into} AS t SET {} FROM temp.waybill_restored_{number} AS b WHERE {is_same}",
        set.collect::<Vec<_>>().join(", ")
    );
    let restored = connection.execute(&sql, []).map_err(|error| not_undone(error, &table.name))?;
    undo_rules::check_done(&table.name, expected, restored as u64)
}

/// Whether removed rows are not there, and the others have the values that they had.
fn check_put_back(connection: &Connection, table: &KeptTable, found: &UndoneTable) -> Result<()> {
    let own: Vec<String> = table.found_by.iter().map(|name| column("t", name)).collect();
    let is_same =
        own.iter().enumerate().map(|(at, name)| format!("{name} = b.k{at}")).collect::<Vec<_>>().join(" AND ");
    let (into, number) = (main_table(&table.name), table.number);
    let sql = format!("SELECT count(*) FROM temp.waybill_removed_{number} AS b CROSS JOIN {into} AS t ON {is_same}");
    let left: u64 = connection.query_row(&sql, [], |row| row.get(0))?;
    undo_rules::check_done(&table.name, found.removed, found.removed.saturating_sub(left))?;
    if found.restored == 0 {
        return Ok(());
    }
    let differs = table.replaced.iter().enumerate().map(|(at, name)| differ(&column("t", name), &format!("b.c{at}")));
    let sql = format!(
        "SELECT count(*) FROM temp.waybill_restored_{number} AS b LEFT JOIN {into} AS t ON {is_same} WHERE {}",
        differs.collect::<Vec<_>>().join(" OR ")
    );
    match connection.query_row(&sql, [], |row| row.get(0))? {
        0 => Ok(()),
        different => Err(undo_rules::restored_differently(&table.name, different, found.restored)),
    }
}
