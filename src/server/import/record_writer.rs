//! Writes decoded records into the target.

use super::changes::ChangeRecorder;
use super::matches::MatchDigest;
use super::record_decoding::DecodedStep;
use super::table_import::{ImportPlan, TableImport};
use super::{Error, Result};
use crate::model::import::{TableMode, TableReport};
use crate::model::import_plan::ValueRule;
use crate::server::source::{Load, TableLoad};

/// Gets the number of records so far.
pub type Progress = Box<dyn Fn(u64) + Send + Sync>;

pub struct RecordWriter<'w> {
    progress: &'w Progress,
    plan: &'w ImportPlan,
    loads: &'w [TableLoad],
    load: &'w mut dyn Load,
    changes: Option<&'w mut ChangeRecorder>,
    /// The number of the current table.
    table: Option<usize>,
    records: u64,
    pub done: Vec<TableReport>,
    /// Where new records refer to, besides what the file says.
    pub matches: Vec<ValueRule>,
}

impl<'w> RecordWriter<'w> {
    pub fn new(
        progress: &'w Progress,
        plan: &'w ImportPlan,
        loads: &'w [TableLoad],
        load: &'w mut dyn Load,
        changes: Option<&'w mut ChangeRecorder>,
    ) -> Self {
        Self { progress, plan, loads, load, changes, table: None, records: 0, done: Vec::new(), matches: Vec::new() }
    }

    pub fn handle(&mut self, step: DecodedStep) -> Result<()> {
        match step {
            DecodedStep::TableOpened(number) => {
                self.table = Some(number);
                Ok(self.load.begin_table(number)?)
            }
            DecodedStep::Rows(rows) => {
                rows.push_into(&mut *self.load).map_err(|_| self.load.take_failure())?;
                self.records += rows.rows();
                (self.progress)(self.records);
                Ok(())
            }
            DecodedStep::TableClosed => self.close_table(),
        }
    }

    fn close_table(&mut self) -> Result<()> {
        let Some(number) = self.table.take() else { return Ok(()) };
        let table: &TableImport = &self.plan.tables[number];
        let effect = match self.changes.as_deref_mut().filter(|_| table.mode == TableMode::Merge) {
            Some(changes) => {
                changes.begin_table(table, &self.loads[number]);
                let ended = self.load.end_table(Some(&mut *changes));
                let effect = ended.map_err(|error| changes.take_failure().map_or_else(|| error.into(), Error::Plan))?;
                if effect.matched > 0 {
                    let mut digest = MatchDigest::default();
                    self.load.push_matches(number, &mut digest)?;
                    self.matches.push(digest.into_rule(&table.table));
                }
                effect
            }
            None => self.load.end_table(None)?,
        };
        self.done.push(TableReport { table: table.table.clone(), effect });
        if effect.total() == table.records { Ok(()) } else { Err(Error::Changed) }
    }
}
