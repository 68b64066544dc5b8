//! Cursors (PostgreSQL manual, DECLARE): several reads of one snapshot, a few rows at a time.

use super::super::{Error, Result};
use super::catalog::{Relation, RelationColumn, Schema};
use super::client::Format;
use super::database_session::DatabaseSession;
use super::decode::PgType;
use super::double_quote_identifier;
use super::key_sets::KeySets;
use super::reader::RowReader;
use super::row_key::RowKey;
use crate::server::rows::{Level, OrderedScan, Restriction, RowSink};

/// An open cursor: its name, and the types of its columns.
pub struct Cursor {
    name: String,
    types: Vec<PgType>,
}

/// A table of the statement.
struct CursorTable<'l> {
    level: Level<'l>,
    relation: &'l Relation,
}

impl Cursor {
    /// Declares the cursor with this number. `values` are the expressions of the scan's columns, of a row `t`.
    pub fn open(
        session: &mut DatabaseSession,
        schema: &Schema,
        key_sets: &KeySets,
        number: usize,
        ordered: &OrderedScan,
        values: &[String],
    ) -> Result<Self> {
        let tables = tables(schema, ordered)?;
        let key = |table: &CursorTable<'_>| row_key(schema, table);
        let parent = tables.get(1).map_or_else(|| Ok("NULL".to_owned()), key)?;
        let columns =
            [parent, key(&tables[0])?].into_iter().chain(values.iter().cloned()).collect::<Vec<_>>().join(", ");
        let name = format!("waybill_cursor_{number}");
        let sql = format!(
            "DECLARE {name} NO SCROLL CURSOR FOR SELECT {columns} FROM {} WHERE {} ORDER BY {}",
            from_sql(&tables, ordered)?,
            where_sql(&tables, key_sets)?,
            order_sql(schema, &tables)?
        );
        // The whole result is read: a plan that is quick for its first rows only would be slow for all of them.
        session.execute("SET LOCAL cursor_tuple_fraction = 1")?;
        session.execute(&sql)?;
        let read = ordered.scan.columns.iter().map(|selected| Ok(tables[0].column(&selected.name)?.pg_type));
        let types = [Ok(PgType::Text), Ok(PgType::Text)].into_iter().chain(read).collect::<Result<Vec<_>>>()?;
        Ok(Self { name, types })
    }

    /// Pushes the next rows, and returns their number.
    pub fn fetch(&self, session: &mut DatabaseSession, rows: u32, sink: &mut dyn RowSink) -> Result<u64> {
        let formats: Vec<Format> = self.types.iter().map(|wire| wire.format()).collect();
        let mut reader = RowReader::new(&self.types, sink);
        let sql = format!("FETCH FORWARD {rows} FROM {}", self.name);
        let sent_rows = session.read_rows(&sql, &formats, |piece| reader.feed(piece))?;
        reader.finish(sent_rows)?;
        Ok(sent_rows)
    }
}

impl CursorTable<'_> {
    fn column(&self, name: &str) -> Result<&RelationColumn> {
        self.relation.columns.get(name).ok_or_else(|| Error::no_column(&self.level.table.field(name)))
    }

    fn compared(&self, name: &str) -> Result<String> {
        Ok(self.column(name)?.compared(&self.level.alias))
    }
}

fn tables<'l>(schema: &'l Schema, ordered: &'l OrderedScan) -> Result<Vec<CursorTable<'l>>> {
    let levels = ordered.levels().into_iter();
    levels.map(|level| Ok(CursorTable { relation: schema.relation(level.table)?, level })).collect()
}

/// One text for the row's key: only whether two of them are equal matters.
fn row_key(schema: &Schema, table: &CursorTable<'_>) -> Result<String> {
    let key = RowKey::of_table(schema, table.level.table)?.of(&table.level.alias);
    Ok(format!("CAST(ROW({}) AS pg_catalog.text)", key.join(", ")))
}

fn from_sql(tables: &[CursorTable<'_>], ordered: &OrderedScan) -> Result<String> {
    let mut sql = format!("{} AS {}", tables[0].relation.from_item, tables[0].level.alias);
    for (ancestor, pair) in ordered.ancestors.iter().zip(tables.windows(2)) {
        let on = ancestor
            .on
            .iter()
            .map(|(nested, own)| Ok(format!("{} = {}", pair[0].compared(nested)?, pair[1].compared(own)?)));
        let on = on.collect::<Result<Vec<_>>>()?.join(" AND ");
        sql = format!("{sql} JOIN {} AS {} ON {on}", pair[1].relation.from_item, pair[1].level.alias);
    }
    Ok(sql)
}

fn where_sql(tables: &[CursorTable<'_>], key_sets: &KeySets) -> Result<String> {
    let mut conditions = vec!["TRUE".to_owned()];
    for CursorTable { level, .. } in tables {
        if let Restriction::Keys(keys) = level.restrict {
            conditions.push(key_sets.contains_sql(keys, &level.alias)?);
        }
        let nulls = level.null_columns.iter();
        conditions.extend(nulls.map(|column| format!("{}.{} IS NULL", level.alias, double_quote_identifier(column))));
    }
    Ok(conditions.join(" AND "))
}

/// From the outermost table to the nested one; the key decides between rows that are equal otherwise.
fn order_sql(schema: &Schema, tables: &[CursorTable<'_>]) -> Result<String> {
    let mut order = Vec::new();
    for table in tables.iter().rev() {
        for column in table.level.order {
            order.push(table.compared(column)?);
        }
        order.extend(RowKey::of_table(schema, table.level.table)?.of(&table.level.alias));
    }
    Ok(order.join(", "))
}
