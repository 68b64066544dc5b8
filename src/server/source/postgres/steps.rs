//! Steps as statements that add rows to a set.

use super::super::Result;
use super::catalog::Schema;
use super::condition::{all_null_sql, condition_sql, or};
use super::database_session::DatabaseSession;
use super::double_quote_identifier;
use super::key_sets::{KeySets, Stored, since_sql, stored_table};
use super::row_key::{RowKey, applies_sql, columns_of, equal, expressions};
use super::statistics::{TableSize, expected_rows};
use super::values_within::{referred_text, values_sql};
use crate::model::name::TableName;
use crate::server::rows::{ForeignKey, KeySetId, Owner, Round, Rows, Step};

/// What refers to few rows is looked up in the order in which they are stored: one page has several of them.
const FEW_PAGE_COST: &str = "0.2";
/// What refers to most rows is scanned. Less than the cost of a page in a scan, 1, would scan whole indexes instead.
pub const MANY_PAGE_COST: &str = "1.1";

/// Where the rows `t` of a step are.
#[derive(Default)]
struct Source {
    /// What is joined with the table: a FROM item and a comma, or nothing.
    joined: String,
    conditions: Vec<String>,
    /// The parameters that the conditions name.
    values: Vec<String>,
}

/// The end of a statement, which selects rows `t`.
pub struct Selected {
    /// From `FROM` on.
    pub sql: String,
    /// Its parameters.
    pub values: Vec<String>,
}

impl Selected {
    pub fn values(&self) -> Vec<&str> {
        self.values.iter().map(String::as_str).collect()
    }
}

impl KeySets {
    /// Adds the rows of a step, and returns their number.
    pub fn run(&mut self, session: &mut DatabaseSession, schema: &Schema, step: &Step, round: Round) -> Result<u64> {
        if self.adds_nothing(step) {
            return Ok(0);
        }
        if let Some(added) = self.fill_wide(session, schema, step, round)? {
            return Ok(added);
        }
        let added = self.added_rows(schema, step, round.since)?;
        let (set, stored) = (self.set(step.into)?, stored_table(step.into));
        let sql = match set.stored {
            Stored::Rows => {
                format!(
                    "INSERT INTO {stored} SELECT {} {}",
                    set.values(schema, round.number.into())?.join(", "),
                    added.sql
                )
            }
            // What is added is one of the others no longer.
            Stored::Others { .. } => {
                let (key, keys) = (set.key.stored("o."), set.key.of("t"));
                format!(
                    "DELETE FROM {stored} AS o USING {} AND {}",
                    added.sql.trim_start_matches("FROM "),
                    equal(&key, &keys)
                )
            }
        };
        let page_cost = if self.is_from_few(session, schema, step)? { FEW_PAGE_COST } else { MANY_PAGE_COST };
        session.execute(&format!("SET LOCAL random_page_cost = {page_cost}"))?;
        let added = session.change(&sql, &added.values())?;
        self.count_added(session, step.into, added)?;
        Ok(added)
    }

    /// About how many rows a step would add. What refers to a few rows is counted: the planner knows how many there are on
    /// average, and one company may have more than all the others.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "statistics")]
    pub fn estimate(&self, session: &mut DatabaseSession, schema: &Schema, step: &Step) -> Result<u64> {
        if self.adds_nothing(step) {
            return Ok(0);
        }
        let added = self.added_rows(schema, step, 0)?;
        if !matches!(step.rows, Rows::Children { .. }) {
            return Ok(expected_rows(session, &format!("SELECT 1 {}", added.sql), &added.values())? as u64);
        }
        session.execute(&format!("SET LOCAL random_page_cost = {FEW_PAGE_COST}"))?;
        session.fetch_count(&format!("SELECT count(*) AS records {}", added.sql), &added.values())
    }

    /// The rows `t` that a step adds.
    pub fn added_rows(&self, schema: &Schema, step: &Step, since: u32) -> Result<Selected> {
        let table = &self.set(step.into)?.table;
        let Source { joined, mut conditions, values } = self.source(schema, step, since)?;
        for within in &step.within {
            conditions.push(self.contains_sql(*within, "t")?);
        }
        let from = &schema.relation(table)?.from_item;
        Ok(Selected { sql: format!("FROM {joined}{from} AS t WHERE {}", conditions.join(" AND ")), values })
    }

    /// Whether the step's rows refer to a set that has less than a fifth of its table.
    #[expect(clippy::cast_precision_loss, reason = "statistics")]
    fn is_from_few(&self, session: &mut DatabaseSession, schema: &Schema, step: &Step) -> Result<bool> {
        let Rows::Children { parents, .. } = &step.rows else { return Ok(false) };
        let set = self.set(*parents)?;
        let size = TableSize::read(session, schema.relation(&set.table)?)?;
        Ok(size.rows.is_some_and(|all| set.rows as f64 * 5.0 < all))
    }

    /// Whether a set is empty that the step's rows must be in, or must be referred to by, or must refer to; or whether one has
    /// every row that they must not be in.
    fn adds_nothing(&self, step: &Step) -> bool {
        let from = match &step.rows {
            Rows::Children { parents, .. } => Some(parents),
            Rows::Parents { children, .. } => children.as_ref(),
            Rows::All | Rows::Matching(_) | Rows::AllNull { .. } => None,
        };
        let mut without = step.except.iter().chain([&step.into]);
        without.any(|set| self.is_whole(*set)) || from.into_iter().chain(&step.within).any(|set| self.is_empty(*set))
    }

    /// Where a step finds the rows `t` of its table that are not in the set yet, nor in one of those that it excepts.
    fn source(&self, schema: &Schema, step: &Step, since: u32) -> Result<Source> {
        let table = &self.set(step.into)?.table;
        let without: Vec<KeySetId> = step.except.iter().copied().chain([step.into]).collect();
        let without: Vec<KeySetId> = without.into_iter().filter(|set| !self.is_empty(*set)).collect();
        let mut source = Source::default();
        match &step.rows {
            Rows::All => source.conditions.push("TRUE".to_owned()),
            Rows::Matching(condition) => {
                source.conditions.push(condition_sql(schema.relation(table)?, table, condition, &mut source.values)?);
            }
            Rows::AllNull { columns } => source.conditions.push(all_null_sql(columns)),
            Rows::Children { key, parents, owners } => {
                source = self.children(schema, table, key, *parents, owners, since)?;
            }
            Rows::Parents { child, key, children } => {
                if let Some(condition) = self.stored_parents_sql(schema, table, key, *children, since, &without)? {
                    return Ok(Source { conditions: vec![condition], ..source });
                }
                source.conditions.push(self.parents_sql(schema, table, child, key, *children, since)?);
            }
        }
        for without in without {
            source.conditions.push(self.lacks_sql(without, "t")?);
        }
        Ok(source)
    }

    /// The rows that refer to the set. Where each refers to one row of it at most, the set is joined: its rows are in the order
    /// in which they are stored, and those that refer to them often are in the same order.
    fn children(
        &self,
        schema: &Schema,
        table: &TableName,
        key: &ForeignKey,
        parents: KeySetId,
        owners: &[Owner],
        since: u32,
    ) -> Result<Source> {
        let owners = owners.iter().map(|owner| self.owner_sql(schema, table, owner));
        let mut conditions = owners.collect::<Result<Vec<_>>>()?;
        let (set, relation) = (self.set(parents)?, schema.relation(table)?);
        let referring = columns_of(schema, table, &key.columns)?;
        let joined = match set.key.referred_to(&key.target_columns) {
            Some(referred) if !key.is_within_value() && set.key.is_unique_by(&key.target_columns, &referring) => {
                let own = expressions(relation, table, "t", &key.columns)?;
                let applies = applies_sql(relation, table, "t", key)?;
                conditions.insert(0, format!("{}{}{applies}", equal(&own, &referred), since_sql("k", since)));
                format!("{} AS k, ", self.keys(parents)?)
            }
            _ => {
                conditions.insert(0, self.refers_into_sql(schema, table, "t", key, parents, since)?);
                String::new()
            }
        };
        Ok(Source { joined, conditions, values: Vec::new() })
    }

    /// The condition that a row of `child` refers to the row `t` of the table: any row of it, or one in `children`.
    fn parents_sql(
        &self,
        schema: &Schema,
        table: &TableName,
        child: &TableName,
        key: &ForeignKey,
        children: Option<KeySetId>,
        since: u32,
    ) -> Result<String> {
        let referring = schema.relation(child)?;
        let is_in = match children {
            Some(children) => format!("{} AND ", self.contains_since_sql(children, "c", since)?),
            None => String::new(),
        };
        let from = &referring.from_item;
        let applies = applies_sql(referring, child, "c", key)?;
        if let Some(values) = values_sql(schema, child, "c", key)? {
            let referred = referred_text(schema, table, "t", key)?;
            let rows = format!("{from} AS c CROSS JOIN LATERAL ({values}) AS v (part)");
            return Ok(format!("{referred} IN (SELECT v.part FROM {rows} WHERE {is_in}TRUE{applies})"));
        }
        let own = expressions(referring, child, "c", &key.columns)?;
        let referred = expressions(schema.relation(table)?, table, "t", &key.target_columns)?;
        Ok(format!("EXISTS (SELECT 1 FROM {from} AS c WHERE {is_in}{}{applies})", equal(&own, &referred)))
    }

    /// `parents_sql` of rows in none of the sets `without`, if the values that refer to them are stored with the children and
    /// are those of the key: the sets alone tell then what to look for, and often that is nothing.
    fn stored_parents_sql(
        &self,
        schema: &Schema,
        table: &TableName,
        key: &ForeignKey,
        children: Option<KeySetId>,
        since: u32,
        without: &[KeySetId],
    ) -> Result<Option<String>> {
        // Whether a record refers to this table at all is not stored, nor what is inside its values.
        let is_stored = key.when.is_empty() && !key.is_within_value();
        let Some(children) = children.filter(|_| is_stored) else { return Ok(None) };
        let set = self.set(children)?;
        let referring = columns_of(schema, &set.table, &key.columns)?;
        let (row_key, stored) = (RowKey::of_table(schema, table)?, set.stored_values(&key.columns));
        let (Some(stored), Some(referred), true) =
            (stored, row_key.referred_to(&key.target_columns), row_key.is_unique_by(&key.target_columns, &referring))
        else {
            return Ok(None);
        };
        let target = expressions(schema.relation(table)?, table, "t", &key.target_columns)?;
        let is_same = equal(&referred, &stored);
        let outside = without.iter().map(|without| Ok(format!(" AND {}", self.lacks_key_sql(*without, &is_same)?)));
        let outside = outside.collect::<Result<String>>()?;
        let (refers, since) = (equal(&stored, &target), since_sql("c", since));
        let from = self.keys(children)?;
        Ok(Some(format!("EXISTS (SELECT 1 FROM {from} AS c WHERE {refers}{since}{outside})")))
    }

    /// The condition that the column of a row `t` names no owner outside the sets.
    fn owner_sql(&self, schema: &Schema, table: &TableName, owner: &Owner) -> Result<String> {
        let sets = owner.references.iter().filter_map(|(key, set)| Some((key, (*set)?)));
        let refers = sets.map(|(key, set)| self.refers_into_sql(schema, table, "t", key, set, 0));
        let is_null = format!("t.{} IS NULL", double_quote_identifier(&owner.column));
        let mut conditions = vec![or(&std::iter::once(Ok(is_null)).chain(refers).collect::<Result<Vec<_>>>()?)];
        for (key, set) in owner.references.iter().filter(|_| !owner.is_unambiguous) {
            let is_outside = match set {
                Some(set) => format!(" AND {}", self.lacks_sql(*set, "p")?),
                None => String::new(),
            };
            let parent = schema.relation(&key.target)?;
            let own = expressions(schema.relation(table)?, table, "t", &key.columns)?;
            let referred = expressions(parent, &key.target, "p", &key.target_columns)?;
            let (from, refers) = (&parent.from_item, equal(&own, &referred));
            let applies = applies_sql(schema.relation(table)?, table, "t", key)?;
            conditions.push(format!("NOT EXISTS (SELECT 1 FROM {from} AS p WHERE {refers}{is_outside}{applies})"));
        }
        Ok(conditions.join(" AND "))
    }
}
