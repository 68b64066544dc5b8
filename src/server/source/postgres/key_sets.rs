//! Key sets as temporary tables: of this session alone, and gone with its transaction.
//!
//! A row is known by its primary key; without one, by its place (`tableoid`, `ctid`): the version of a row that a snapshot
//! sees stays where it is while the lock on the table keeps others from rewriting it. The place is kept beside every key, too:
//! rows are read by it in the order in which they are stored. Keys are compared by operators that PostgreSQL ships only.

use super::super::{Error, Kind, Result};
use super::catalog::Schema;
use super::condition::or;
use super::database_session::DatabaseSession;
use super::error;
use super::row_key::{RowKey, applies_sql, column, equal, expressions};
use super::statistics::{TableCounts, TableSize};
use super::untrusted_code::text_array;
use super::values_within::{referred_text, values_sql};
use crate::model::name::TableName;
use crate::server::rows::{ForeignKey, KeySetId, NewKeySet, ReferenceInside};

/// The sets of a snapshot, by their numbers.
#[derive(Default)]
pub struct KeySets {
    sets: Vec<KeySet>,
    pub counts: TableCounts,
}

/// More keys may not fit into a hash table of `work_mem`: without an index, PostgreSQL would read all of them for each row.
const MAX_HASHED_ROWS: f64 = 1_000_000.0;

/// What PostgreSQL's planner must know to join sets. Sets of a million keys are joined in memory. A sample of three thousand
/// keys tells enough.
const PLANNER_SETTINGS: [(&str, &str); 2] = [("work_mem", "'64MB'"), ("default_statistics_target", "10")];

pub struct KeySet {
    pub table: TableName,
    pub key: RowKey,
    /// The columns whose values are stored with the key.
    referring: Vec<String>,
    pub rows: u64,
    /// The number of rows when PostgreSQL last counted them for its planner.
    pub analyzed_rows: u64,
    pub stored: Stored,
    /// Whether somebody asks for the round in which a row was added: the rows of the set are stored then.
    pub keeps_rounds: bool,
}

/// Whose keys the temporary table of a set has.
pub enum Stored {
    /// The rows of the set.
    Rows,
    /// The other rows of its table, so many: a set that has most of its table is found and read as fast as the table is. `all`
    /// selects what would be stored of every row.
    Others { number: u64, all: String },
}

impl KeySets {
    /// Creates an empty set for each of the tables, in a moment in which the transaction allows writes.
    pub fn create(session: &mut DatabaseSession, schema: &Schema, new: &[NewKeySet]) -> Result<Self> {
        refuse_foreign_event_triggers(session)?;
        for (setting, value) in PLANNER_SETTINGS {
            session.execute(&format!("SET LOCAL {setting} = {value}"))?;
        }
        let mut sets = Vec::new();
        for (number, new) in new.iter().enumerate() {
            let NewKeySet { table, referring, is_repeated, is_looked_up, keeps_rounds } = new;
            let set = KeySet {
                table: table.clone(),
                key: RowKey::of_table(schema, table)?,
                referring: referring.iter().cloned().collect(),
                rows: 0,
                analyzed_rows: 0,
                stored: Stored::Rows,
                keeps_rounds: *keeps_rounds || *is_repeated,
            };
            let sql = format!(
                "CREATE TEMPORARY TABLE waybill_keys_{number} ({}) ON COMMIT DROP AS SELECT {} FROM {} AS t WITH NO DATA",
                set.stored_columns().join(", "),
                set.values(schema, 0)?.join(", "),
                schema.relation(table)?.from_item
            );
            session.execute(&sql).map_err(error::no_key_sets)?;
            let (keys, columns) = (stored_table(KeySetId(number)), set.key.stored("").join(", "));
            if *is_repeated {
                session.execute(&format!("CREATE INDEX ON {keys} (round)"))?;
            }
            // No index can be created once the transaction is read-only. A table that was never counted may be large.
            let may_be_large = |size: TableSize| size.rows.is_none_or(|rows| rows > MAX_HASHED_ROWS);
            if *is_repeated || *is_looked_up && may_be_large(TableSize::read(session, schema.relation(table)?)?) {
                session.execute(&format!("CREATE INDEX ON {keys} ({columns})"))?;
            }
            sets.push(set);
        }
        Ok(Self { sets, counts: TableCounts::default() })
    }

    /// How many rows the steps have added to the set.
    pub fn rows(&self, id: KeySetId) -> Result<u64> {
        Ok(self.set(id)?.rows)
    }

    pub fn is_empty(&self, id: KeySetId) -> bool {
        self.sets.get(id.0).is_some_and(|set| set.rows == 0)
    }

    pub fn clear(&mut self, session: &mut DatabaseSession, id: KeySetId) -> Result<()> {
        session.execute(&format!("DELETE FROM {}", stored_table(id)))?;
        let set = self.set_mut(id)?;
        (set.rows, set.stored) = (0, Stored::Rows);
        Ok(())
    }

    /// Makes `into` hold the row of `among` that was added first to `of`, and returns the round.
    pub fn find_first(
        &mut self,
        session: &mut DatabaseSession,
        among: KeySetId,
        of: KeySetId,
        into: KeySetId,
    ) -> Result<Option<u32>> {
        let key = &self.set(of)?.key;
        let (order, is_same) = (key.stored("o.").join(", "), equal(&key.stored("o."), &key.stored("a.")));
        let (of, among) = (self.keys(of)?, self.keys(among)?);
        let first = format!(
            "SELECT {order}, o.round, o.place FROM {of} AS o WHERE EXISTS (SELECT 1 FROM {among} AS a WHERE {is_same}) \
             ORDER BY o.round, {order} LIMIT 1"
        );
        let rows = session.fetch(&format!("SELECT CAST(round AS text) AS round FROM ({first}) AS first"), &[])?;
        let Some(row) = rows.first() else { return Ok(None) };
        let round = row.parse("round").map_err(error::map_error)?;
        self.clear(session, into)?;
        session.execute(&format!("INSERT INTO {} {first}", stored_table(into)))?;
        self.set_mut(into)?.rows = 1;
        Ok(Some(round))
    }

    /// Counts rows that were added to the set. The planner knows nothing of a temporary table unless it is analysed; a few rows
    /// more change nothing.
    pub fn count_added(&mut self, session: &mut DatabaseSession, id: KeySetId, added: u64) -> Result<()> {
        let set = self.set_mut(id)?;
        set.rows += added;
        let (stored, has_changed) = match &mut set.stored {
            Stored::Rows => (set.rows, set.rows > set.analyzed_rows * 2),
            Stored::Others { number, .. } => {
                *number = number.saturating_sub(added);
                (*number, *number < set.analyzed_rows / 2)
            }
        };
        if has_changed {
            set.analyzed_rows = stored;
            session.execute(&format!("ANALYZE {}", stored_table(id)))?;
        }
        Ok(())
    }

    /// The condition that the row of this alias, of the set's table, is in the set.
    pub fn contains_sql(&self, id: KeySetId, alias: &str) -> Result<String> {
        self.contains_since_sql(id, alias, 0)
    }

    /// The condition that the row of this alias was added to the set in this round or later.
    pub fn contains_since_sql(&self, id: KeySetId, alias: &str, since: u32) -> Result<String> {
        let set = self.set(id)?;
        let equal = equal(&set.key.stored("k."), &set.key.of(alias));
        match set.stored {
            Stored::Others { number: 0, .. } if since == 0 => Ok("TRUE".to_owned()),
            Stored::Others { .. } if since == 0 => Ok(format!("NOT {}", is_stored_sql(id, &equal))),
            _ => Ok(format!("EXISTS (SELECT 1 FROM {} AS k WHERE {equal}{})", self.keys(id)?, since_sql("k", since))),
        }
    }

    /// The condition that the row of this alias, of the set's table, is not in the set.
    pub fn lacks_sql(&self, id: KeySetId, alias: &str) -> Result<String> {
        let key = &self.set(id)?.key;
        self.lacks_key_sql(id, &equal(&key.stored("k."), &key.of(alias)))
    }

    /// The condition that no row `k` of the set fulfils `is_same`, where exactly one row of the table does.
    pub fn lacks_key_sql(&self, id: KeySetId, is_same: &str) -> Result<String> {
        Ok(match self.set(id)?.stored {
            Stored::Rows => format!("NOT {}", is_stored_sql(id, is_same)),
            Stored::Others { number: 0, .. } => "FALSE".to_owned(),
            Stored::Others { .. } => is_stored_sql(id, is_same),
        })
    }

    /// The condition that any of these references of the row of this alias, of the table, leads to a row in its sets.
    pub fn leads_inside_sql(
        &self,
        schema: &Schema,
        table: &TableName,
        alias: &str,
        any_of: &[&ReferenceInside],
    ) -> Result<String> {
        let pairs = any_of.iter().flat_map(|inside| inside.sets.iter().map(move |set| (&inside.key, *set)));
        let refers = pairs.map(|(key, set)| self.refers_into_sql(schema, table, alias, key, set, 0));
        // What refers to nothing leads nowhere.
        let no_reference = any_of.iter().all(|inside| !inside.key.when.is_empty()).then(|| {
            let relation = schema.relation(table)?;
            let applies = |inside: &&ReferenceInside| {
                Ok(format!("(TRUE{}) IS NOT TRUE", applies_sql(relation, table, alias, &inside.key)?))
            };
            Ok(format!("({})", any_of.iter().map(applies).collect::<Result<Vec<_>>>()?.join(" AND ")))
        });
        Ok(or(&refers.chain(no_reference).collect::<Result<Vec<_>>>()?))
    }

    pub fn set(&self, id: KeySetId) -> Result<&KeySet> {
        self.sets.get(id.0).ok_or_else(no_set)
    }

    /// The FROM item that has the keys of a set.
    pub fn keys(&self, id: KeySetId) -> Result<String> {
        let set = self.set(id)?;
        Ok(match &set.stored {
            Stored::Rows => stored_table(id),
            Stored::Others { all, .. } => format!("({all} WHERE {})", self.contains_sql(id, "t")?),
        })
    }

    /// Whether the set is known to hold every row of its table.
    pub fn is_whole(&self, id: KeySetId) -> bool {
        self.sets.get(id.0).is_some_and(|set| matches!(set.stored, Stored::Others { number: 0, .. }))
    }

    pub fn set_mut(&mut self, id: KeySetId) -> Result<&mut KeySet> {
        self.sets.get_mut(id.0).ok_or_else(no_set)
    }

    /// The condition that the row of this alias, of the table, refers to a row that was added to the set in this round or
    /// later: to its key, if that is what it refers to.
    pub fn refers_into_sql(
        &self,
        schema: &Schema,
        table: &TableName,
        alias: &str,
        key: &ForeignKey,
        parents: KeySetId,
        since: u32,
    ) -> Result<String> {
        let applies = applies_sql(schema.relation(table)?, table, alias, key)?;
        let set = self.set(parents)?;
        if let Some(values) = values_sql(schema, table, alias, key)? {
            let from = &schema.relation(&set.table)?.from_item;
            let (is_in, referred) =
                (self.contains_since_sql(parents, "p", since)?, referred_text(schema, &set.table, "p", key)?);
            return Ok(format!(
                "EXISTS (SELECT 1 FROM {from} AS p WHERE {is_in} AND {referred} IN ({values}){applies})"
            ));
        }
        let own = expressions(schema.relation(table)?, table, alias, &key.columns)?;
        if let Some(referred) = set.key.referred_to(&key.target_columns) {
            let (keys, refers) = (self.keys(parents)?, equal(&own, &referred));
            return Ok(format!("EXISTS (SELECT 1 FROM {keys} AS k WHERE {refers}{}{applies})", since_sql("k", since)));
        }
        let relation = schema.relation(&set.table)?;
        let referred = expressions(relation, &set.table, "p", &key.target_columns)?;
        let (from, is_in) = (&relation.from_item, self.contains_since_sql(parents, "p", since)?);
        Ok(format!("EXISTS (SELECT 1 FROM {from} AS p WHERE {is_in} AND {}{applies})", equal(&own, &referred)))
    }
}

impl KeySet {
    /// The columns of the table that holds it.
    pub fn stored_columns(&self) -> Vec<String> {
        let referring = (0..self.referring.len()).map(|place| format!("r{place}"));
        let own = ["round", "place"].map(str::to_owned);
        self.key.stored("").into_iter().chain(own).chain(referring).collect()
    }

    /// What is stored of a row `t` of the table.
    pub fn values(&self, schema: &Schema, round: i64) -> Result<Vec<String>> {
        let own = [format!("CAST({round} AS pg_catalog.int4)"), "t.ctid".to_owned()];
        let relation = schema.relation(&self.table)?;
        let referring = self.referring.iter().map(|name| Ok(column(relation, &self.table, name)?.compared("t")));
        let referring = referring.collect::<Result<Vec<_>>>()?;
        Ok(self.key.of("t").into_iter().chain(own).chain(referring).collect())
    }

    /// The values of these columns in a stored row `c`; nothing if one of them is not stored.
    pub fn stored_values(&self, columns: &[String]) -> Option<Vec<String>> {
        let place = |name: &String| self.referring.iter().position(|referring| referring == name);
        columns.iter().map(|name| Some(format!("c.r{}", place(name)?))).collect()
    }
}

fn no_set() -> Error {
    Error::new(Kind::Failed, "internal error: a set of rows was not created")
}

/// Event triggers run when a table is created, with this session's rights. Only superusers can create one, but its function
/// may belong to anybody, who can change it.
pub fn refuse_foreign_event_triggers(session: &mut DatabaseSession) -> Result<()> {
    let trusted = text_array(session.trusted_owners());
    let found = session.fetch(EVENT_TRIGGERS_QUERY, &[&trusted])?;
    match found.first() {
        None => Ok(()),
        Some(row) => {
            let text = |column| row.text(column).map_err(error::map_error);
            Err(error::foreign_event_trigger(text("name")?, text("owner")?))
        }
    }
}

const EVENT_TRIGGERS_QUERY: &str = "
    SELECT CAST(e.evtname AS text) AS name, CAST(r.rolname AS text) AS owner
      FROM pg_event_trigger e JOIN pg_proc p ON p.oid = e.evtfoid JOIN pg_roles r ON r.oid = p.proowner
     WHERE e.evtenabled <> 'D' AND NOT r.rolsuper AND r.rolname <> session_user
       AND CAST(r.rolname AS text) <> ALL (CAST($1 AS text[]))
     ORDER BY e.evtname LIMIT 1";

/// The table that holds the keys of a set.
pub fn stored_table(id: KeySetId) -> String {
    format!("pg_temp.waybill_keys_{}", id.0)
}

/// The condition that a row `k` of the set's temporary table fulfils `is_same`.
fn is_stored_sql(id: KeySetId, is_same: &str) -> String {
    format!("EXISTS (SELECT 1 FROM {} AS k WHERE {is_same})", stored_table(id))
}

/// The further condition on the stored key of this alias to be of this round or later; nothing for all.
pub fn since_sql(alias: &str, since: u32) -> String {
    if since == 0 { String::new() } else { format!(" AND {alias}.round >= {since}") }
}
