//! Looks up rows by a value, and whose they are.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use super::super::super::lookups::{Lookups, RowLookup};
use super::super::super::target::TableLoad;
use super::super::super::{Extent, Result};
use super::super::key_sets::main_table;
use super::super::{SqliteSource, catalog};
use super::changes::{column, has_key, of};
use super::row_buffer::RowBuffer;
use crate::server::rows::Catalog;

/// Looks rows up, each time in a transaction of its own: nobody waits for it.
pub struct SqliteLookups(Connection);

impl SqliteLookups {
    pub fn open(source: &SqliteSource) -> Result<Self> {
        Ok(Self(source.connect(Extent::WholeTables)?))
    }
}

impl Lookups for SqliteLookups {
    fn catalog(&mut self) -> Result<Catalog> {
        catalog::read(&self.0)
    }

    fn find_rows(
        &mut self,
        lookup: &RowLookup,
        values: &[String],
        found: &mut dyn FnMut(usize, Vec<Option<String>>),
    ) -> Result<()> {
        let transaction = self.0.unchecked_transaction()?;
        find_rows(&transaction, lookup, values, found)
    }
}

/// As `Lookups::find_rows`.
pub fn find_rows(
    connection: &Connection,
    lookup: &RowLookup,
    values: &[String],
    found: &mut dyn FnMut(usize, Vec<Option<String>>),
) -> Result<()> {
    let columns: Vec<String> = lookup.columns.iter().map(|name| column("t", name)).collect();
    let columns = if columns.is_empty() { "NULL".to_owned() } else { columns.join(", ") };
    let (from, key) = (main_table(&lookup.table), column("t", &lookup.key));
    let mut statement = connection.prepare_cached(&format!("SELECT {columns} FROM {from} AS t WHERE {key} = ?1"))?;
    for (at, value) in values.iter().enumerate() {
        let mut rows = statement.query([value])?;
        while let Some(row) = rows.next()? {
            let texts = (0..lookup.columns.len()).map(|place| Ok(text(row.get_ref(place)?)));
            found(at, texts.collect::<Result<_>>()?);
        }
    }
    Ok(())
}

fn text(value: ValueRef<'_>) -> Option<String> {
    match value {
        ValueRef::Text(bytes) => String::from_utf8(bytes.to_vec()).ok(),
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Null | ValueRef::Real(_) | ValueRef::Blob(_) => None,
    }
}

/// Whether the table has a row in place of this one that is somebody else's.
pub fn is_of_other_owner(connection: &Connection, load: &TableLoad, row: &RowBuffer) -> Result<bool> {
    let Some(owner) = load.owner.as_ref().filter(|_| !load.key.is_empty()) else { return Ok(false) };
    let sql = format!(
        "SELECT {} IS NOT ?{} FROM {} AS t WHERE {}",
        column("t", owner),
        load.key.len() + 1,
        main_table(&load.table),
        has_key(load)
    );
    let values = of(load, row, load.key.iter().chain([owner]));
    let mut statement = connection.prepare_cached(&sql)?;
    let is_other: Option<bool> = statement.query_row(params_from_iter(values), |row| row.get(0)).optional()?;
    Ok(is_other.unwrap_or(false))
}
