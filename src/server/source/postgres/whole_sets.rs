//! Sets that hold every row of their table: they store no key, so that a part that is almost everything is found as fast as
//! it is read.

use super::super::Result;
use super::catalog::Schema;
use super::condition::condition_sql;
use super::database_session::DatabaseSession;
use super::key_sets::KeySets;
use crate::model::name::TableName;
use crate::server::rows::{Round, Rows, Step};

impl KeySets {
    /// Makes the step's set whole and returns the number of its rows, if the step adds every row of its table. That is asked
    /// where it is likely: of what refers to a whole set, and of what a filter names.
    pub fn fill_whole(
        &mut self,
        session: &mut DatabaseSession,
        schema: &Schema,
        step: &Step,
        round: Round,
    ) -> Result<Option<u64>> {
        let table = self.set(step.into)?.table.clone();
        let Some((others, values)) = self.others_sql(schema, &table, step, round)? else { return Ok(None) };
        let from = &schema.relation(&table)?.from_item;
        let other = format!("SELECT 1 FROM {from} AS t WHERE {others} LIMIT 1");
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        // The planner takes a loop for the quickest way to a first row. There may be none.
        session.execute("SET LOCAL enable_nestloop = off")?;
        let has_other =
            session.fetch_count(&format!("SELECT count(*) AS records FROM ({other}) AS other"), &values)? > 0;
        session.execute("SET LOCAL enable_nestloop = DEFAULT")?;
        if has_other {
            return Ok(None);
        }
        let rows = session.fetch_count(&format!("SELECT count(*) AS records FROM {from}"), &[])?;
        let set = self.set(step.into)?;
        let (values, names) = (set.values(schema, round.number)?, set.stored_columns());
        let columns: Vec<String> = values.iter().zip(names).map(|(value, name)| format!("{value} AS {name}")).collect();
        let keys = format!("(SELECT {} FROM {from} AS t)", columns.join(", "));
        let set = self.set_mut(step.into)?;
        (set.rows, set.whole) = (rows, (rows > 0).then_some(keys));
        Ok(Some(rows))
    }

    /// The condition of rows `t` that the step does not add, and its values; nothing where it is not asked.
    fn others_sql(
        &self,
        schema: &Schema,
        table: &TableName,
        step: &Step,
        round: Round,
    ) -> Result<Option<(String, Vec<String>)>> {
        let is_first = self.is_empty(step.into) && step.except.iter().all(|set| self.is_empty(*set));
        let mut values = Vec::new();
        let condition = match &step.rows {
            _ if !is_first || !step.within.is_empty() || round.since > 0 => return Ok(None),
            Rows::Matching(condition) => {
                let matching = condition_sql(schema.relation(table)?, table, condition, &mut values)?;
                format!("({matching}) IS NOT TRUE")
            }
            Rows::Children { key, parents, owners } if owners.is_empty() && self.is_whole(*parents) => {
                format!("NOT {}", self.refers_into_sql(schema, table, "t", key, *parents, 0)?)
            }
            _ => return Ok(None),
        };
        Ok(Some((condition, values)))
    }
}
