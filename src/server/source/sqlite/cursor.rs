//! Reads of a few rows at a time, several at once: the keys of the rows, in order, in a temporary table.

use rusqlite::Connection;

use super::super::Result;
use super::double_quote_identifier;
use super::key_sets::{KeySets, RowKey, main_table};
use crate::model::name::TableName;
use crate::server::rows::{OrderedScan, Restriction};

/// An open cursor.
pub struct Cursor {
    /// Reads the rows after the first parameter, up to the second.
    pub sql: String,
    /// Number of columns that it pushes.
    pub width: usize,
    /// Number of rows that were fetched.
    pub fetched: u64,
}

/// A table of the statement, with the rows that are read of it.
struct Level<'l> {
    alias: String,
    table: &'l TableName,
    key: RowKey,
    restrict: Restriction,
    order: &'l [String],
    null_columns: &'l [String],
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
        let levels = levels(ordered, row_key)?;
        let own = levels[0].key.of("t");
        let parent = levels.get(1).map_or_else(|| "NULL".to_owned(), |level| as_text(&level.key.of(&level.alias)));
        let stored: Vec<String> = own.iter().enumerate().map(|(place, key)| format!("{key} AS k{place}")).collect();
        let name = format!("temp.waybill_cursor_{number}");
        connection.execute_batch(&format!(
            "CREATE TABLE {name} AS SELECT {parent} AS parent, {} FROM {} WHERE {} ORDER BY {}",
            stored.join(", "),
            from_sql(&levels, ordered),
            where_sql(&levels, key_sets)?,
            order_sql(&levels)
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

fn levels(ordered: &OrderedScan, row_key: impl Fn(&TableName) -> Result<RowKey>) -> Result<Vec<Level<'_>>> {
    let scan = &ordered.scan;
    let own = Level {
        alias: "t".into(),
        table: &scan.table,
        key: row_key(&scan.table)?,
        restrict: scan.restrict,
        order: &scan.order,
        null_columns: &ordered.null_columns,
    };
    let ancestors = ordered.ancestors.iter().enumerate().map(|(number, ancestor)| {
        Ok(Level {
            alias: format!("p{number}"),
            table: &ancestor.table,
            key: row_key(&ancestor.table)?,
            restrict: ancestor.restrict,
            order: &ancestor.order,
            null_columns: &ancestor.null_columns,
        })
    });
    std::iter::once(Ok(own)).chain(ancestors).collect()
}

/// One text for a key: only whether two of them are equal matters.
fn as_text(key: &[String]) -> String {
    key.iter().map(|column| format!("quote({column})")).collect::<Vec<_>>().join(" || ',' || ")
}

fn column(level: &Level<'_>, name: &str) -> String {
    format!("{}.{}", level.alias, double_quote_identifier(name))
}

fn from_sql(levels: &[Level<'_>], ordered: &OrderedScan) -> String {
    let mut sql = format!("{} AS t", main_table(levels[0].table));
    for (ancestor, pair) in ordered.ancestors.iter().zip(levels.windows(2)) {
        // As key sets compare: with the affinity and the collation of the column that is referred to.
        let on = ancestor
            .on
            .iter()
            .map(|(nested, own)| format!("{} = +{}", column(&pair[1], own), column(&pair[0], nested)));
        let on = on.collect::<Vec<_>>().join(" AND ");
        sql = format!("{sql} JOIN {} AS {} ON {on}", main_table(pair[1].table), pair[1].alias);
    }
    sql
}

fn where_sql(levels: &[Level<'_>], key_sets: &KeySets) -> Result<String> {
    let mut conditions = vec!["TRUE".to_owned()];
    for level in levels {
        if let Restriction::Keys(keys) = level.restrict {
            conditions.push(key_sets.contains_sql(keys, &level.alias)?);
        }
        conditions.extend(level.null_columns.iter().map(|name| format!("{} IS NULL", column(level, name))));
    }
    Ok(conditions.join(" AND "))
}

/// From the outermost table to the nested one; the key decides between rows that are equal otherwise.
fn order_sql(levels: &[Level<'_>]) -> String {
    let order = levels.iter().rev().flat_map(|level| {
        let columns = level.order.iter().map(|name| column(level, name));
        columns.chain(level.key.of(&level.alias)).collect::<Vec<_>>()
    });
    order.collect::<Vec<_>>().join(", ")
}
