//! Key sets as temporary tables: of this session alone, and gone with its transaction.
//!
//! A row is known by its primary key; without one, by its place (`tableoid`, `ctid`): the version of a row that a snapshot
//! sees stays where it is while the lock on the table keeps others from rewriting it. The place is kept beside every key, too:
//! rows are read by it in the order in which they are stored. Keys are compared by operators that PostgreSQL ships only.

use super::super::{Error, Kind, Result};
use super::catalog::{Relation, RelationColumn, Schema};
use super::database_session::DatabaseSession;
use super::double_quote_identifier;
use super::error;
use super::untrusted_code::text_array;
use crate::model::name::TableName;
use crate::server::rows::{Condition, ForeignKey, KeySetId, NewKeySet, Owner, ReferenceInside, Round, Rows, Step};

/// The sets of a snapshot, by their numbers.
#[derive(Default)]
pub struct KeySets(Vec<KeySet>);

struct KeySet {
    table: TableName,
    key: RowKey,
    rows: u64,
    /// The number of rows when PostgreSQL last counted them for its planner.
    analyzed_rows: u64,
}

/// What a row of a table is known by.
pub enum RowKey {
    Place,
    PrimaryKey(Vec<(String, RelationColumn)>),
}

impl KeySets {
    /// Creates an empty set for each of the tables, in the only moment in which the transaction allows writes.
    pub fn create(session: &mut DatabaseSession, schema: &Schema, new: &[NewKeySet]) -> Result<Self> {
        refuse_foreign_event_triggers(session)?;
        session.allow_temporary_tables()?;
        // Sets of a million keys are joined in memory.
        session.execute("SET LOCAL work_mem = '64MB'")?;
        let mut sets = Vec::new();
        for (number, NewKeySet { table, is_repeated }) in new.iter().enumerate() {
            let relation = schema.relation(table)?;
            let key = RowKey::of_table(schema, table)?;
            let columns = key.of("t").into_iter().enumerate().map(|(place, key)| format!("{key} AS k{place}"));
            let sql = format!(
                "CREATE TEMPORARY TABLE waybill_keys_{number} ON COMMIT DROP AS SELECT {}, CAST(0 AS pg_catalog.int4) AS round, \
                 t.ctid AS place FROM {} AS t WITH NO DATA",
                columns.collect::<Vec<_>>().join(", "),
                relation.from_item
            );
            session.execute(&sql).map_err(error::no_key_sets)?;
            if *is_repeated {
                let (keys, columns) = (stored_table(KeySetId(number)), stored_columns(key.width()).join(", "));
                session.execute(&format!("CREATE INDEX ON {keys} (round)"))?;
                session.execute(&format!("CREATE INDEX ON {keys} ({columns})"))?;
            }
            sets.push(KeySet { table: table.clone(), key, rows: 0, analyzed_rows: 0 });
        }
        Ok(Self(sets))
    }

    /// Adds the rows of a step, and returns their number.
    pub fn run(&mut self, session: &mut DatabaseSession, schema: &Schema, step: &Step, round: Round) -> Result<u64> {
        let set = self.set(step.into)?;
        let (rows, values) = self.rows_sql(schema, &set.table, &step.rows, round.since)?;
        let mut conditions = vec![rows, format!("NOT {}", self.contains_sql(step.into, "t")?)];
        for within in &step.within {
            conditions.push(self.contains_sql(*within, "t")?);
        }
        for except in &step.except {
            conditions.push(format!("NOT {}", self.contains_sql(*except, "t")?));
        }
        let (into, from) = (stored_table(step.into), &schema.relation(&set.table)?.from_item);
        let sql = format!(
            "WITH added AS (INSERT INTO {into} SELECT {}, {}, t.ctid FROM {from} AS t WHERE {} RETURNING 1) \
             SELECT count(*) AS records FROM added",
            set.key.of("t").join(", "),
            round.number,
            conditions.join(" AND ")
        );
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let added = session.fetch_count(&sql, &values)?;
        self.analyze(session, step.into, added)?;
        Ok(added)
    }

    /// Makes `into` hold the row of `among` that was added first to `of`, and returns the round.
    pub fn find_first(
        &self,
        session: &mut DatabaseSession,
        among: KeySetId,
        of: KeySetId,
        into: KeySetId,
    ) -> Result<Option<u32>> {
        let stored = |alias: &str| -> Result<Vec<String>> {
            Ok((0..self.set(of)?.key.width()).map(|place| format!("{alias}.k{place}")).collect())
        };
        let (key, is_same) = (stored("o")?.join(", "), equal(&stored("o")?, &stored("a")?));
        let (among, of, into) = (stored_table(among), stored_table(of), stored_table(into));
        let first = format!(
            "SELECT {key}, o.round, o.place FROM {of} AS o WHERE EXISTS (SELECT 1 FROM {among} AS a WHERE {is_same}) \
             ORDER BY o.round, {key} LIMIT 1"
        );
        let rows = session.fetch(&format!("SELECT CAST(round AS text) AS round FROM ({first}) AS first"), &[])?;
        let Some(row) = rows.first() else { return Ok(None) };
        let round = row.parse("round").map_err(error::map_error)?;
        session.execute(&format!("DELETE FROM {into}"))?;
        session.execute(&format!("INSERT INTO {into} {first}"))?;
        Ok(Some(round))
    }

    /// The planner knows nothing of a temporary table otherwise; a few rows more change nothing.
    fn analyze(&mut self, session: &mut DatabaseSession, id: KeySetId, added: u64) -> Result<()> {
        let Some(set) = self.0.get_mut(id.0) else { return Ok(()) };
        set.rows += added;
        if set.rows > set.analyzed_rows * 2 {
            set.analyzed_rows = set.rows;
            session.execute(&format!("ANALYZE {}", stored_table(id)))?;
        }
        Ok(())
    }

    /// The condition that the row of this alias, of the set's table, is in the set.
    pub fn contains_sql(&self, id: KeySetId, alias: &str) -> Result<String> {
        self.contains_since_sql(id, alias, 0)
    }

    /// The condition that the row of this alias was added to the set in this round or later.
    fn contains_since_sql(&self, id: KeySetId, alias: &str, since: u32) -> Result<String> {
        let set = self.set(id)?;
        let stored: Vec<String> = (0..set.key.width()).map(|place| format!("k.k{place}")).collect();
        let (keys, equal) = (stored_table(id), equal(&stored, &set.key.of(alias)));
        Ok(format!("EXISTS (SELECT 1 FROM {keys} AS k WHERE {equal}{})", since_sql(since)))
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
        Ok(or(&refers.collect::<Result<Vec<_>>>()?))
    }

    fn set(&self, id: KeySetId) -> Result<&KeySet> {
        self.0.get(id.0).ok_or_else(|| Error::new(Kind::Failed, "internal error: a set of rows was not created"))
    }

    /// The condition on a row `t` of the table, and its values.
    fn rows_sql(&self, schema: &Schema, table: &TableName, rows: &Rows, since: u32) -> Result<(String, Vec<String>)> {
        let relation = schema.relation(table)?;
        Ok(match rows {
            Rows::All => ("TRUE".to_owned(), Vec::new()),
            Rows::Matching(condition) => {
                let mut values = Vec::new();
                (condition_sql(relation, table, condition, &mut values)?, values)
            }
            Rows::AllNull { columns } => (all_null_sql(columns), Vec::new()),
            Rows::Children { key, parents, owners } => {
                let mut conditions = vec![self.refers_into_sql(schema, table, "t", key, *parents, since)?];
                for owner in owners {
                    conditions.push(self.owner_sql(schema, table, owner)?);
                }
                (conditions.join(" AND "), Vec::new())
            }
            Rows::Parents { child, key, children } => {
                let referring = schema.relation(child)?;
                let own = expressions(referring, child, "c", &key.columns)?;
                let referred = expressions(relation, table, "t", &key.target_columns)?;
                let is_in = match children {
                    Some(children) => format!("{} AND ", self.contains_since_sql(*children, "c", since)?),
                    None => String::new(),
                };
                let from = &referring.from_item;
                (format!("EXISTS (SELECT 1 FROM {from} AS c WHERE {is_in}{})", equal(&own, &referred)), Vec::new())
            }
        })
    }

    /// The condition that the row of this alias, of the table, refers to a row that was added to the set in this round or
    /// later: to its key, if that is what it refers to.
    fn refers_into_sql(
        &self,
        schema: &Schema,
        table: &TableName,
        alias: &str,
        key: &ForeignKey,
        parents: KeySetId,
        since: u32,
    ) -> Result<String> {
        let own = expressions(schema.relation(table)?, table, alias, &key.columns)?;
        let set = self.set(parents)?;
        let places =
            key.target_columns.iter().map(|column| set.key.position(column).map(|place| format!("k.k{place}")));
        if let Some(places) = places.collect::<Option<Vec<_>>>() {
            let keys = stored_table(parents);
            return Ok(format!(
                "EXISTS (SELECT 1 FROM {keys} AS k WHERE {}{})",
                equal(&own, &places),
                since_sql(since)
            ));
        }
        let relation = schema.relation(&set.table)?;
        let referred = expressions(relation, &set.table, "p", &key.target_columns)?;
        let (from, is_in) = (&relation.from_item, self.contains_since_sql(parents, "p", since)?);
        Ok(format!("EXISTS (SELECT 1 FROM {from} AS p WHERE {is_in} AND {})", equal(&own, &referred)))
    }

    /// The condition that the column of a row `t` names no owner outside the sets.
    fn owner_sql(&self, schema: &Schema, table: &TableName, owner: &Owner) -> Result<String> {
        let sets = owner.references.iter().filter_map(|(key, set)| Some((key, (*set)?)));
        let refers = sets.map(|(key, set)| self.refers_into_sql(schema, table, "t", key, set, 0));
        let is_null = format!("t.{} IS NULL", double_quote_identifier(&owner.column));
        let mut conditions = vec![or(&std::iter::once(Ok(is_null)).chain(refers).collect::<Result<Vec<_>>>()?)];
        for (key, set) in owner.references.iter().filter(|_| !owner.is_unambiguous) {
            let is_outside = match set {
                Some(set) => format!(" AND NOT {}", self.contains_sql(*set, "p")?),
                None => String::new(),
            };
            let parent = schema.relation(&key.target)?;
            let own = expressions(schema.relation(table)?, table, "t", &key.columns)?;
            let referred = expressions(parent, &key.target, "p", &key.target_columns)?;
            let (from, refers) = (&parent.from_item, equal(&own, &referred));
            conditions.push(format!("NOT EXISTS (SELECT 1 FROM {from} AS p WHERE {refers}{is_outside})"));
        }
        Ok(conditions.join(" AND "))
    }
}

impl RowKey {
    pub fn of_table(schema: &Schema, table: &TableName) -> Result<Self> {
        let relation = schema.relation(table)?;
        let primary_key = schema.catalog.table(table).map_or(&[][..], |table| &table.primary_key);
        let column = |name: &String| Ok((name.clone(), column(relation, table, name)?.clone()));
        let columns = primary_key.iter().map(column).collect::<Result<Vec<_>>>()?;
        Ok(if columns.is_empty() { Self::Place } else { Self::PrimaryKey(columns) })
    }

    /// The key of the row of this alias.
    pub fn of(&self, alias: &str) -> Vec<String> {
        match self {
            Self::Place => vec![format!("{alias}.tableoid"), format!("{alias}.ctid")],
            Self::PrimaryKey(columns) => columns.iter().map(|(_, column)| column.compared(alias)).collect(),
        }
    }

    /// The number of its columns.
    fn width(&self) -> usize {
        match self {
            Self::Place => 2,
            Self::PrimaryKey(columns) => columns.len(),
        }
    }

    /// The place of a column in the key.
    fn position(&self, name: &str) -> Option<usize> {
        match self {
            Self::Place => None,
            Self::PrimaryKey(columns) => columns.iter().position(|(column, _)| column == name),
        }
    }
}

/// Event triggers run when a table is created, with this session's rights. Only superusers can create one, but its function
/// may belong to anybody, who can change it.
fn refuse_foreign_event_triggers(session: &mut DatabaseSession) -> Result<()> {
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

/// The columns of a set that hold a key of this width.
fn stored_columns(width: usize) -> Vec<String> {
    (0..width).map(|place| format!("k{place}")).collect()
}

/// The table that holds the keys of a set.
pub fn stored_table(id: KeySetId) -> String {
    format!("pg_temp.waybill_keys_{}", id.0)
}

/// What the columns of a row are compared by: a type that PostgreSQL cannot compare by itself, by its text.
fn expressions(relation: &Relation, table: &TableName, alias: &str, columns: &[String]) -> Result<Vec<String>> {
    let compared = |name: &String| {
        let column = column(relation, table, name)?;
        // Its owner's operator decides what is equal; the texts of equal values may differ.
        if column.base_type.ends_with("citext") {
            return Err(error::unusable_key(&table.field(name), &column.base_type));
        }
        Ok(column.compared(alias))
    };
    columns.iter().map(compared).collect()
}

fn column<'r>(relation: &'r Relation, table: &TableName, name: &str) -> Result<&'r RelationColumn> {
    relation.columns.get(name).ok_or_else(|| Error::no_column(&table.field(name)))
}

fn equal(left: &[String], right: &[String]) -> String {
    left.iter().zip(right).map(|(left, right)| format!("{left} = {right}")).collect::<Vec<_>>().join(" AND ")
}

fn all_null_sql(columns: &[String]) -> String {
    let all: Vec<String> =
        columns.iter().map(|column| format!("t.{} IS NULL", double_quote_identifier(column))).collect();
    if all.is_empty() { "TRUE".to_owned() } else { all.join(" AND ") }
}

/// The condition on a row `t` of the table. Values that somebody typed are compared as text: one that is none of the
/// column's type must find nothing, and not end the transaction. Bounds are compared in the column's type. The values are
/// added to `values`, as the parameters that the condition names.
fn condition_sql(
    relation: &Relation,
    table: &TableName,
    condition: &Condition,
    values: &mut Vec<String>,
) -> Result<String> {
    match condition {
        Condition::AnyOf { values: any_of, .. } if any_of.is_empty() => Ok("FALSE".to_owned()),
        Condition::AnyOf { column: name, values: any_of } => {
            let column = column(relation, table, name)?;
            let parameters = any_of.iter().map(|value| {
                values.push(value.clone());
                format!("CAST(${} AS text)", values.len())
            });
            let parameters = parameters.collect::<Vec<_>>().join(", ");
            Ok(format!("{} IN ({parameters})", column.as_text("t")))
        }
        Condition::Range { column: name, from, to } => {
            let column = column(relation, table, name)?;
            let compared = column.compared("t");
            let mut conditions = vec![format!("{compared} IS NOT NULL")];
            for (bound, operator) in [(from, ">="), (to, "<")] {
                if let Some(bound) = bound {
                    values.push(bound.to_string());
                    conditions.push(format!("{compared} {operator} {}", column.parameter(values.len())));
                }
            }
            Ok(conditions.join(" AND "))
        }
        Condition::Either(conditions) => {
            let alternatives = conditions.iter().map(|condition| condition_sql(relation, table, condition, values));
            Ok(or(&alternatives.collect::<Result<Vec<_>>>()?))
        }
    }
}

fn or(conditions: &[String]) -> String {
    if conditions.is_empty() { "FALSE".to_owned() } else { format!("({})", conditions.join(" OR ")) }
}

/// The further condition on a stored key `k` to be of this round or later; nothing for all.
fn since_sql(since: u32) -> String {
    if since == 0 { String::new() } else { format!(" AND k.round >= {since}") }
}
