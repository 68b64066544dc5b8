//! In which reading of the file each table is filled.
//!
//! The file is read once where it can be. Records that refer to ones that may be here under another key are read after these: which key
//! that is must be known.

use std::collections::BTreeMap;

use super::table_import::TableImport;
use crate::model::name::TableName;
use crate::server::rows::Catalog;

/// Puts the tables into the order in which they are filled: by reading, and in each as in the file. Where tables refer to each other in a
/// circle, all stay in one reading, and the database is asked whether a record had to wait.
pub fn order(mut tables: Vec<TableImport>, catalog: &Catalog) -> Vec<TableImport> {
    let places: BTreeMap<TableName, usize> =
        tables.iter().enumerate().map(|(place, table)| (table.table.clone(), place)).collect();
    let place = |name: &TableName| places.get(name).copied();
    let follows: Vec<Vec<usize>> = tables
        .iter()
        .map(|table| table.merge.references.iter().filter_map(|key| place(&key.target)).collect())
        .collect();
    let refers: Vec<Vec<usize>> = tables
        .iter()
        .map(|table| {
            let keys = catalog.table(&table.table).map_or(&[][..], |table| &table.foreign_keys);
            keys.iter().filter_map(|key| place(&key.target)).collect()
        })
        .collect();
    let mut readings = vec![0; tables.len()];
    for _ in 0..=tables.len() {
        let before = readings.clone();
        for (own, (follows, refers)) in follows.iter().zip(&refers).enumerate() {
            let waits = follows.iter().filter(|target| **target > own).map(|target| before[*target] + 1);
            // What was put off takes along what refers to it, which the database may check at once.
            let along = refers.iter().filter(|target| **target < own).map(|target| before[*target]);
            readings[own] = waits.chain(along).max().unwrap_or(0);
        }
        if readings == before {
            for (table, reading) in tables.iter_mut().zip(&readings) {
                table.reading = *reading;
            }
            tables.sort_by_key(|table| table.reading);
            return tables;
        }
    }
    tables
}

/// The numbers of the tables that are filled in each reading.
pub fn readings(tables: &[TableImport]) -> Vec<Vec<usize>> {
    let mut readings: Vec<Vec<usize>> = Vec::new();
    for (number, table) in tables.iter().enumerate() {
        let is_same = number > 0 && tables[number - 1].reading == table.reading;
        match readings.last_mut().filter(|_| is_same) {
            Some(reading) => reading.push(number),
            None => readings.push(vec![number]),
        }
    }
    // A file without tables is read, too: its seal is checked again on the way.
    if readings.is_empty() { vec![Vec::new()] } else { readings }
}
