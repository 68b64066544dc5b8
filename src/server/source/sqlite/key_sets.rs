//! Key sets as temporary tables: of this connection alone, and on disk in files without a name.
//!
//! A row is known by its row id; in a table without row ids, by its primary key.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, params_from_iter};

use super::super::{Error, Kind, Result};
use super::plain_types::PlainTypes;
use super::row_identity::rowid_name;
use super::values_within::values_sql;
use super::{catalog, double_quote_identifier, error};
use crate::model::name::TableName;
use crate::server::rows::{
    Bound, Catalog, Condition, ForeignKey, KeySetId, NewKeySet, Owner, ReferenceInside, Round, Rows, Step,
};

/// The sets of a snapshot, by their numbers.
#[derive(Default)]
pub struct KeySets {
    sets: Vec<KeySet>,
    types: PlainTypes,
}

struct KeySet {
    table: TableName,
    key: RowKey,
}

/// What a row of a table is known by.
pub enum RowKey {
    /// The row id, under a name that no column has.
    RowId(&'static str),
    PrimaryKey(Vec<String>),
}

impl KeySets {
    /// Creates an empty set for each of the tables.
    pub fn create(connection: &Connection, new: &[NewKeySet]) -> Result<Self> {
        let catalog = catalog::read(connection)?;
        let mut sets = Vec::new();
        for (number, NewKeySet { table, is_repeated, .. }) in new.iter().enumerate() {
            let set = KeySet { table: table.clone(), key: RowKey::of_table(connection, &catalog, table)? };
            connection.execute_batch(&set.create_sql(number))?;
            if *is_repeated {
                let keys = format!("waybill_keys_{number}");
                connection.execute_batch(&format!("CREATE INDEX temp.{keys}_round ON {keys} (round)"))?;
            }
            sets.push(set);
        }
        Ok(Self { sets, types: PlainTypes::read(connection)? })
    }

    /// Adds the rows of a step, and returns their number.
    pub fn run(&self, connection: &Connection, step: &Step, round: Round) -> Result<u64> {
        let (from, values) = self.added_rows(step, round.since)?;
        let (stored, key) = (stored_table(step.into), self.set(step.into)?.key.of("t").join(", "));
        let sql = format!("INSERT OR IGNORE INTO {stored} SELECT {key}, {} {from}", round.number);
        Ok(connection.execute(&sql, params_from_iter(values))? as u64)
    }

    /// How many rows a step would add to an empty set.
    pub fn estimate(&self, connection: &Connection, step: &Step) -> Result<u64> {
        let (from, values) = self.added_rows(step, 0)?;
        let sql = format!("SELECT count(*) AS records {from}");
        Ok(connection.query_row(&sql, params_from_iter(values), |row| row.get("records"))?)
    }

    /// The end of a statement, which selects the rows `t` of a step, and its values. Some may be in the set already.
    fn added_rows(&self, step: &Step, since: u32) -> Result<(String, Vec<Value>)> {
        let table = &self.set(step.into)?.table;
        let (rows, values) = self.rows_sql(table, &step.rows, since)?;
        let mut conditions = vec![rows];
        for within in &step.within {
            conditions.push(self.contains_sql(*within, "t")?);
        }
        for except in &step.except {
            conditions.push(format!("NOT {}", self.contains_sql(*except, "t")?));
        }
        Ok((format!("FROM {} AS t WHERE {}", main_table(table), conditions.join(" AND ")), values))
    }

    /// Makes `into` hold the row of `among` that was added first to `of`, and returns the round.
    pub fn find_first(
        &self,
        connection: &Connection,
        among: KeySetId,
        of: KeySetId,
        into: KeySetId,
    ) -> Result<Option<u32>> {
        let key = self.set(of)?.key.stored();
        let (among, of) = (stored_table(among), stored_table(of));
        let sql = format!(
            "SELECT round, {key} FROM {of} WHERE ({key}) IN (SELECT {key} FROM {among}) ORDER BY round, {key} LIMIT 1"
        );
        let found = connection.query_row(&sql, [], |row| {
            let width = row.as_ref().column_count();
            let values = (1..width).map(|column| row.get(column)).collect::<rusqlite::Result<Vec<Value>>>()?;
            Ok((row.get::<_, u32>("round")?, values))
        });
        let Some((round, values)) = found.optional()? else { return Ok(None) };
        clear(connection, into)?;
        let places = vec!["?"; values.len()].join(", ");
        let sql = format!("INSERT INTO {} VALUES ({places}, 0)", stored_table(into));
        connection.execute(&sql, params_from_iter(values))?;
        Ok(Some(round))
    }

    /// The condition that the row of this alias, of the set's table, is in the set.
    pub fn contains_sql(&self, id: KeySetId, alias: &str) -> Result<String> {
        self.contains_since_sql(id, alias, 0)
    }

    /// The condition that the row of this alias was added to the set in this round or later.
    fn contains_since_sql(&self, id: KeySetId, alias: &str, since: u32) -> Result<String> {
        let key = &self.set(id)?.key;
        let (own, stored, keys, since) =
            (key.of(alias).join(", "), key.stored(), stored_table(id), since_sql("", since));
        let only = if since.is_empty() { String::new() } else { format!(" WHERE {since}") };
        Ok(format!("({own}) IN (SELECT {stored} FROM {keys}{only})"))
    }

    /// The condition that any of these references of the row of this alias, of the table, leads to a row in its sets.
    pub fn leads_inside_sql(&self, table: &TableName, alias: &str, any_of: &[&ReferenceInside]) -> Result<String> {
        let pairs = any_of.iter().flat_map(|inside| inside.sets.iter().map(move |set| (&inside.key, *set)));
        let refers = pairs.map(|(key, set)| self.refers_into_sql(table, alias, key, set, 0));
        // What refers to nothing leads nowhere.
        let no_reference = any_of.iter().all(|inside| !inside.key.when.is_empty()).then(|| {
            let keys = any_of.iter().map(|inside| format!("(TRUE{}) IS NOT TRUE", applies_sql(alias, &inside.key)));
            Ok(format!("({})", and(&keys.collect::<Vec<_>>())))
        });
        Ok(or(&refers.chain(no_reference).collect::<Result<Vec<_>>>()?))
    }

    fn set(&self, id: KeySetId) -> Result<&KeySet> {
        self.sets.get(id.0).ok_or_else(|| Error::new(Kind::Failed, "internal error: a set of rows was not created"))
    }

    /// The condition on a row `t` of the table, and its values.
    fn rows_sql(&self, table: &TableName, rows: &Rows, since: u32) -> Result<(String, Vec<Value>)> {
        Ok(match rows {
            Rows::All => ("TRUE".to_owned(), Vec::new()),
            Rows::Matching(condition) => condition_sql(condition),
            Rows::AllNull { columns } => (all_null_sql(columns), Vec::new()),
            Rows::Children { key, parents, owners } => {
                let mut conditions = vec![self.refers_into_sql(table, "t", key, *parents, since)?];
                for owner in owners {
                    conditions.push(self.owner_sql(table, "t", owner)?);
                }
                (and(&conditions), Vec::new())
            }
            Rows::Parents { child, key, children } => {
                let is_in = match children {
                    Some(children) => self.contains_since_sql(*children, "c", since)?,
                    None => "TRUE".to_owned(),
                };
                let (from, applies) = (main_table(child), applies_sql("c", key));
                let rows = (&*format!("{from} AS c"), &*format!("{is_in}{applies}"));
                if let Some(values) = values_sql("c", key, Some(rows)) {
                    return Ok((format!("{} IN ({values})", referred_text("t", key)), Vec::new()));
                }
                let (own, referred) = (bare_list("c", &key.columns), list("t", &key.target_columns));
                (format!("({referred}) IN (SELECT {own} FROM {from} AS c WHERE {is_in}{applies})"), Vec::new())
            }
        })
    }

    /// The condition that the row of this alias refers to a row that was added to the set in this round or later.
    fn refers_into_sql(
        &self,
        table: &TableName,
        alias: &str,
        key: &ForeignKey,
        parents: KeySetId,
        since: u32,
    ) -> Result<String> {
        let set = self.set(parents)?;
        let (parent, keys) = (main_table(&set.table), stored_table(parents));
        let conditions = [set.key.equals_stored("p", "k"), since_sql("k.", since)];
        let is_in = conditions.into_iter().filter(|condition| !condition.is_empty()).collect::<Vec<_>>().join(" AND ");
        if let Some(values) = values_sql(alias, key, None) {
            let (referred, applies) = (referred_text("p", key), applies_sql(alias, key));
            let is_in = format!("EXISTS (SELECT 1 FROM {keys} AS k WHERE {is_in})");
            return Ok(format!(
                "EXISTS (SELECT 1 FROM {parent} AS p WHERE {is_in} AND {referred} IN ({values}){applies})"
            ));
        }
        if self.types.compare_alike(table, key) {
            let (own, referred) = (list(alias, &key.columns), list("p", &key.target_columns));
            let applies = applies_sql(alias, key);
            return Ok(format!(
                "(({own}) IN (SELECT {referred} FROM {keys} AS k CROSS JOIN {parent} AS p WHERE {is_in}){applies})"
            ));
        }
        // Nested, so that SQLite finds the parent by what the child refers to, and not by trying every key.
        let is_in = format!("EXISTS (SELECT 1 FROM {keys} AS k WHERE {is_in})");
        Ok(format!("EXISTS (SELECT 1 FROM {parent} AS p WHERE {} AND {is_in})", refers_sql(alias, key, "p")))
    }

    /// The condition that the column of the row of this alias names no owner outside the sets.
    fn owner_sql(&self, table: &TableName, alias: &str, owner: &Owner) -> Result<String> {
        let sets = owner.references.iter().filter_map(|(key, set)| Some((key, (*set)?)));
        let refers = sets.map(|(key, set)| self.refers_into_sql(table, alias, key, set, 0));
        let is_null = format!("{} IS NULL", qualified(alias, &owner.column));
        let mut conditions = vec![or(&std::iter::once(Ok(is_null)).chain(refers).collect::<Result<Vec<_>>>()?)];
        for (key, set) in owner.references.iter().filter(|_| !owner.is_unambiguous) {
            let is_outside = match set {
                Some(set) => format!(" AND NOT {}", self.contains_sql(*set, "p")?),
                None => String::new(),
            };
            let (parent, refers) = (main_table(&key.target), refers_sql(alias, key, "p"));
            conditions.push(format!("NOT EXISTS (SELECT 1 FROM {parent} AS p WHERE {refers}{is_outside})"));
        }
        Ok(and(&conditions))
    }
}

impl KeySet {
    fn create_sql(&self, number: usize) -> String {
        let columns = self.key.stored();
        match &self.key {
            // The alias of the row id: the set is a tree of integers in the table's own order.
            RowKey::RowId(_) => {
                format!("CREATE TEMP TABLE waybill_keys_{number} ({columns} INTEGER PRIMARY KEY, round INTEGER)")
            }
            RowKey::PrimaryKey(_) => {
                format!(
                    "CREATE TEMP TABLE waybill_keys_{number} ({columns}, round INTEGER, PRIMARY KEY ({columns})) WITHOUT ROWID"
                )
            }
        }
    }
}

impl RowKey {
    /// # Errors
    /// `NotFound` for an unknown table; `Unsuitable` for one whose rows have no name.
    pub fn of_table(connection: &Connection, catalog: &Catalog, name: &TableName) -> Result<Self> {
        let table = catalog.table(name).ok_or_else(|| Error::no_table(name))?;
        match rowid_name(connection, name)? {
            Some(rowid) => Ok(Self::RowId(rowid)),
            None if !table.primary_key.is_empty() => Ok(Self::PrimaryKey(table.primary_key.clone())),
            None => Err(error::rows_without_key(name)),
        }
    }

    /// The key of the row of this alias.
    pub fn of(&self, alias: &str) -> Vec<String> {
        match self {
            Self::RowId(name) => vec![format!("{alias}.{name}")],
            Self::PrimaryKey(columns) => columns.iter().map(|column| qualified(alias, column)).collect(),
        }
    }

    /// The condition that the row `row` has the key that the row `stored` of a set holds.
    fn equals_stored(&self, row: &str, stored: &str) -> String {
        let own = self.of(row).into_iter().enumerate();
        own.map(|(place, own)| format!("{stored}.k{place} = {own}")).collect::<Vec<_>>().join(" AND ")
    }

    /// The columns of a set that hold the key.
    fn stored(&self) -> String {
        let columns = match self {
            Self::RowId(_) => 1,
            Self::PrimaryKey(columns) => columns.len(),
        };
        (0..columns).map(|place| format!("k{place}")).collect::<Vec<_>>().join(", ")
    }
}

/// Removes every row from a set.
pub fn clear(connection: &Connection, id: KeySetId) -> Result<()> {
    connection.execute(&format!("DELETE FROM {}", stored_table(id)), [])?;
    Ok(())
}

/// A table of the database: a temporary one of the same name would come first.
pub fn main_table(table: &TableName) -> String {
    format!("main.{}", double_quote_identifier(table.as_str()))
}

/// The table that holds the keys of a set.
pub fn stored_table(id: KeySetId) -> String {
    format!("temp.waybill_keys_{}", id.0)
}

fn list(alias: &str, columns: &[String]) -> String {
    columns.iter().map(|column| qualified(alias, column)).collect::<Vec<_>>().join(", ")
}

/// The column of the row of this alias that is referred to, as a text.
fn referred_text(alias: &str, key: &ForeignKey) -> String {
    let name = key.target_columns.first().map_or("", String::as_str);
    format!("CAST({} AS TEXT)", qualified(alias, name))
}

fn qualified(alias: &str, column: &str) -> String {
    format!("{alias}.{}", double_quote_identifier(column))
}

/// The condition that the row `child` refers to the row `parent`. SQLite compares with the affinity and the collation of the
/// column that is referred to (sqlite.org/foreignkeys.html, section 3); a plus sign takes those of the other column away.
pub fn refers_sql(child: &str, key: &ForeignKey, parent: &str) -> String {
    let pairs = key.columns.iter().zip(&key.target_columns);
    let equal = pairs.map(|(own, referred)| format!("{} = +{}", qualified(parent, referred), qualified(child, own)));
    equal.collect::<Vec<_>>().join(" AND ") + &applies_sql(child, key)
}

/// The further condition that the row of this alias refers to the key's table at all; nothing where every row does. The values
/// have no quotes: the profile was checked.
fn applies_sql(alias: &str, key: &ForeignKey) -> String {
    let condition = |(column, texts): &(String, Vec<String>)| {
        let texts: Vec<String> = texts.iter().map(|text| format!("'{text}'")).collect();
        format!(" AND CAST({} AS TEXT) IN ({})", qualified(alias, column), texts.join(", "))
    };
    key.when.iter().map(condition).collect()
}

/// Columns without their affinity and collation.
fn bare_list(alias: &str, columns: &[String]) -> String {
    columns.iter().map(|column| format!("+{}", qualified(alias, column))).collect::<Vec<_>>().join(", ")
}

fn all_null_sql(columns: &[String]) -> String {
    and(&columns.iter().map(|column| format!("{} IS NULL", qualified("t", column))).collect::<Vec<_>>())
}

/// The condition on a row `t`, and its values. Texts are compared with the text of the column's values, whatever their
/// storage class.
fn condition_sql(condition: &Condition) -> (String, Vec<Value>) {
    match condition {
        Condition::AnyOf { values, .. } if values.is_empty() => ("FALSE".to_owned(), Vec::new()),
        Condition::AnyOf { column, values } => {
            let places = vec!["?"; values.len()].join(", ");
            let sql = format!("CAST({} AS TEXT) IN ({places})", qualified("t", column));
            (sql, values.iter().cloned().map(Value::Text).collect())
        }
        Condition::Range { column, from, to } => {
            let column = qualified("t", column);
            let bounds = [(from, ">="), (to, "<")].into_iter().filter_map(|(bound, is)| Some((bound.as_ref()?, is)));
            let (values, conditions): (Vec<Value>, Vec<String>) =
                bounds.map(|(bound, is)| (bound_value(bound), format!("{column} {is} ?"))).unzip();
            (format!("{column} IS NOT NULL AND {}", and(&conditions)), values)
        }
        Condition::Either(conditions) => {
            let (sql, values): (Vec<String>, Vec<Vec<Value>>) = conditions.iter().map(condition_sql).unzip();
            (or(&sql), values.concat())
        }
    }
}

fn bound_value(bound: &Bound) -> Value {
    match bound {
        Bound::Integer(number) => Value::Integer(*number),
        Bound::Text(text) => Value::Text(text.clone()),
    }
}

fn and(conditions: &[String]) -> String {
    if conditions.is_empty() { "TRUE".to_owned() } else { conditions.join(" AND ") }
}

fn or(conditions: &[String]) -> String {
    if conditions.is_empty() { "FALSE".to_owned() } else { format!("({})", conditions.join(" OR ")) }
}

/// The condition on a stored key to be of this round or later; nothing for all.
fn since_sql(alias: &str, since: u32) -> String {
    if since == 0 { String::new() } else { format!("{alias}round >= {since}") }
}
