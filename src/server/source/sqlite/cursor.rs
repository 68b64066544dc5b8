//! Reads of a few rows at a time, several at once: the keys of the rows, in order, in a temporary table.

use rusqlite::Connection;

use super::super::Result;
use super::double_quote_identifier;
use super::key_sets::{KeySets, RowKey, main_table};
use crate::model::name::TableName;
use crate::server::rows::{Level, OrderedScan, Restriction};

/// An open cursor.
pub struct Cursor {
    /// Reads the rows after the first parameter, up to the second.
    pub sql: String,
    /// Number of columns that it pushes.
    pub width: usize,
    /// Number of rows that were fetched.
    pub fetched: u64,
}

/// A table of the statement.
struct CursorTable<'l> {
    level: Level<'l>,
    key: RowKey,
}

impl Cursor {
    /// Finds and orders the rows. `values` is the list of the scan's columns, of a row `t`.
    pub fn open(
        connection: &Connection,
        key_sets: &KeySets,
        number: usize,
        ordered: &OrderedScan,
        values: &str,
        row_key: impl Fn(&TableName) -> Result<RowKey>,
    ) -> Result<Self> {
        let tables = tables(ordered, row_key)?;
        let own = tables[0].key.of("t");
        let parent = tables.get(1).map_or_else(|| "NULL".to_owned(), |table| as_text(&table.key()));
        let stored: Vec<String> = own.iter().enumerate().map(|(place, key)| format!("{key} AS k{place}")).collect();
        let name = format!("temp.waybill_cursor_{number}");
        connection.execute_batch(&format!(
            "CREATE TABLE {name} AS SELECT {parent} AS parent, {} FROM {} WHERE {} ORDER BY {}",
            stored.join(", "),
            from_sql(&tables, ordered),
            where_sql(&tables, key_sets)?,
            order_sql(&tables)
        ))?;
        let is_same = own.iter().enumerate().map(|(place, key)| format!("{key} = c.k{place}"));
        let sql = format!(
            "SELECT c.parent, {}, {values} FROM {name} AS c CROSS JOIN {} AS t ON {} \
             WHERE c.rowid > ?1 AND c.rowid <= ?2 ORDER BY c.rowid",
            as_text(&own),
            main_table(&ordered.scan.table),
            is_same.collect::<Vec<_>>().join(" AND ")
        );
        Ok(Self { sql, width: ordered.scan.columns.len() + 2, fetched: 0 })
    }
}

fn tables(ordered: &OrderedScan, row_key: impl Fn(&TableName) -> Result<RowKey>) -> Result<Vec<CursorTable<'_>>> {
    let levels = ordered.levels().into_iter();
    levels.map(|level| Ok(CursorTable { key: row_key(level.table)?, level })).collect()
}

/// One text for a key: only whether two of them are equal matters.
fn as_text(key: &[String]) -> String {
    key.iter().map(|column| format!("quote({column})")).collect::<Vec<_>>().join(" || ',' || ")
}

impl CursorTable<'_> {
    fn column(&self, name: &str) -> String {
        format!("{}.{}", self.level.alias, double_quote_identifier(name))
    }

    fn key(&self) -> Vec<String> {
        self.key.of(&self.level.alias)
    }
}

fn from_sql(tables: &[CursorTable<'_>], ordered: &OrderedScan) -> String {
    let mut sql = format!("{} AS t", main_table(tables[0].level.table));
    for (ancestor, pair) in ordered.ancestors.iter().zip(tables.windows(2)) {
        // As key sets compare: with the affinity and the collation of the column that is referred to.
        let on =
            ancestor.on.iter().map(|(nested, own)| format!("{} = +{}", pair[1].column(own), pair[0].column(nested)));
        let on = on.collect::<Vec<_>>().join(" AND ");
        sql = format!("{sql} JOIN {} AS {} ON {on}", main_table(pair[1].level.table), pair[1].level.alias);
    }
    sql
}

fn where_sql(tables: &[CursorTable<'_>], key_sets: &KeySets) -> Result<String> {
    let mut conditions = vec!["TRUE".to_owned()];
    for table in tables {
        let level = &table.level;
        if let Restriction::Keys(keys) = level.restrict {
            conditions.push(key_sets.contains_sql(keys, &level.alias)?);
        }
        conditions.extend(level.null_columns.iter().map(|name| format!("{} IS NULL", table.column(name))));
    }
    Ok(conditions.join(" AND "))
}

/// From the outermost table to the nested one; the key decides between rows that are equal otherwise.
fn order_sql(tables: &[CursorTable<'_>]) -> String {
    let order = tables.iter().rev().flat_map(|table| {
        let columns = table.level.order.iter().map(|name| table.column(name));
        columns.chain(table.key()).collect::<Vec<_>>()
    });
    order.collect::<Vec<_>>().join(", ")
}
