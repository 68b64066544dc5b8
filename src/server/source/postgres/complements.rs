//! Sets that hold most rows of their table: they store the keys of the others, if there are any, so that a part that is almost
//! everything is found and read almost as fast as everything.

use super::super::Result;
use super::catalog::Schema;
use super::condition::condition_sql;
use super::database_session::DatabaseSession;
use super::key_sets::{KeySets, Stored, stored_table};
use super::statistics::{TableSize, expected_rows};
use super::steps::{MANY_PAGE_COST, Selected};
use crate::server::rows::{KeySetId, Round, Rows, Step};

/// In the place of a round, beside the keys of rows that are not in the set.
const NOT_IN: i64 = -1;

impl KeySets {
    /// Runs a step after which the set holds most rows of its table, and returns how many it has added: the keys of the others
    /// are stored instead. Nothing for any other step.
    pub fn fill_wide(
        &mut self,
        session: &mut DatabaseSession,
        schema: &Schema,
        step: &Step,
        round: Round,
    ) -> Result<Option<u64>> {
        let Some(others) = self.others(schema, step, round)? else { return Ok(None) };
        let table = self.set(step.into)?.table.clone();
        // A query is run by several processes where there are many rows, and ends with the first row; an INSERT does neither.
        let number = if self.is_empty(step.into) && self.may_be_whole(step) && is_nothing(session, &others)? {
            0
        } else if self.will_hold_most(session, schema, step)? {
            let number = self.store_others(session, schema, step.into, &others)?;
            if number * 2 > self.counts.count(session, schema, &table)? {
                session.execute(&format!("DELETE FROM {} WHERE round = {NOT_IN}", stored_table(step.into)))?;
                return Ok(None);
            }
            self.keep_others(session, step.into, number)?;
            number
        } else {
            return Ok(None);
        };
        let every_row = self.counts.count(session, schema, &table)?;
        let set = self.set(step.into)?;
        let (values, names) = (set.values(schema, round.number.into())?, set.stored_columns());
        let columns: Vec<String> = values.iter().zip(names).map(|(value, name)| format!("{value} AS {name}")).collect();
        let all = format!("SELECT {} FROM {} AS t", columns.join(", "), schema.relation(&table)?.from_item);
        let set = self.set_mut(step.into)?;
        let before = std::mem::replace(&mut set.rows, every_row.saturating_sub(number));
        if number > 0 || set.rows > 0 {
            set.stored = Stored::Others { number, all };
        }
        Ok(Some(set.rows.saturating_sub(before)))
    }

    /// The rows that are not in the set after the step; nothing where it is not asked.
    fn others(&self, schema: &Schema, step: &Step, round: Round) -> Result<Option<Selected>> {
        let set = self.set(step.into)?;
        let is_limited = !step.within.is_empty() || !step.except.iter().all(|set| self.is_empty(*set));
        let mut values = Vec::new();
        let (table, relation) = (&set.table, schema.relation(&set.table)?);
        let condition = match &step.rows {
            _ if is_limited || round.since > 0 || !matches!(set.stored, Stored::Rows) => return Ok(None),
            Rows::Matching(condition) => {
                format!("({}) IS NOT TRUE", condition_sql(relation, table, condition, &mut values)?)
            }
            Rows::Children { key, parents, owners } if owners.is_empty() => {
                format!("NOT {}", self.refers_into_sql(schema, table, "t", key, *parents, 0)?)
            }
            _ => return Ok(None),
        };
        let is_new = if set.rows > 0 { format!(" AND {}", self.lacks_sql(step.into, "t")?) } else { String::new() };
        Ok(Some(Selected { sql: format!("FROM {} AS t WHERE {condition}{is_new}", relation.from_item), values }))
    }

    /// Whether the set may store others, and will probably have more than half of its table.
    #[expect(clippy::cast_precision_loss, reason = "statistics")]
    fn will_hold_most(&self, session: &mut DatabaseSession, schema: &Schema, step: &Step) -> Result<bool> {
        let set = self.set(step.into)?;
        if set.keeps_rounds {
            return Ok(false);
        }
        let Some(every_row) = TableSize::read(session, schema.relation(&set.table)?)?.rows else { return Ok(false) };
        let added = if let Rows::Children { parents, .. } = &step.rows {
            // The planner would expect that a table with few references has none that leads out of a large set.
            let parents = self.set(*parents)?;
            let size = TableSize::read(session, schema.relation(&parents.table)?)?;
            size.rows.map_or(0.0, |all| parents.rows as f64 / all.max(1.0)) * (every_row - set.rows as f64)
        } else {
            let added = self.added_rows(schema, step, 0)?;
            expected_rows(session, &format!("SELECT 1 {}", added.sql), &added.values())?
        };
        Ok((set.rows as f64 + added) * 2.0 > every_row)
    }

    /// Whether it is worth asking if the step adds every row of the table: of what refers to every row of another one, and of what
    /// a filter names.
    fn may_be_whole(&self, step: &Step) -> bool {
        match &step.rows {
            Rows::Children { parents, .. } => self.is_whole(*parents),
            _ => true,
        }
    }

    /// Stores the keys of these rows beside those of the rows in the set, and returns their number.
    fn store_others(
        &mut self,
        session: &mut DatabaseSession,
        schema: &Schema,
        id: KeySetId,
        others: &Selected,
    ) -> Result<u64> {
        session.execute(&format!("SET LOCAL random_page_cost = {MANY_PAGE_COST}"))?;
        let values = self.set(id)?.values(schema, NOT_IN)?.join(", ");
        session.change(&format!("INSERT INTO {} SELECT {values} {}", stored_table(id), others.sql), &others.values())
    }

    /// Removes the keys of the rows in the set.
    fn keep_others(&mut self, session: &mut DatabaseSession, id: KeySetId, number: u64) -> Result<()> {
        let keys = stored_table(id);
        let set = self.set_mut(id)?;
        set.analyzed_rows = number;
        if set.rows > 0 {
            session.execute(&format!("DELETE FROM {keys} WHERE round <> {NOT_IN}"))?;
        }
        session.execute(&format!("ANALYZE {keys}"))
    }
}

/// Whether there is no such row.
fn is_nothing(session: &mut DatabaseSession, rows: &Selected) -> Result<bool> {
    // The planner takes a loop for the quickest way to a first row. There may be none.
    session.execute("SET LOCAL enable_nestloop = off")?;
    let first = format!("SELECT count(*) AS records FROM (SELECT 1 {} LIMIT 1) AS first", rows.sql);
    let found = session.fetch_count(&first, &rows.values())?;
    session.execute("SET LOCAL enable_nestloop = DEFAULT")?;
    Ok(found == 0)
}
