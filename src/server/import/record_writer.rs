//! Writes the records of a file into the target, as its events come.

use super::changes::ChangeRecorder;
use super::choices::Choices;
use super::filled_columns;
use super::matches::MatchDigest;
use super::table_import::{ImportPlan, TableImport};
use super::{Error, Result};
use crate::model::import::{ImportMode, TableReport};
use crate::model::import_plan::ValueRule;
use crate::model::name::TableName;
use crate::server::inspect::DataEvent;
use crate::server::pipeline::decode::{self, RecordDecoder};
use crate::server::source::{Load, TableLoad};
use crate::server::support::random::Random;

/// Gets the number of records so far.
pub type Progress = Box<dyn Fn(u64) + Send + Sync>;

/// How many records pass between two reports of progress.
const RECORDS_PER_PROGRESS: u64 = 1024;

pub struct RecordWriter<'w> {
    random: &'w dyn Random,
    progress: &'w Progress,
    choices: Choices<'w>,
    plan: &'w ImportPlan,
    loads: &'w [TableLoad],
    load: &'w mut dyn Load,
    changes: Option<&'w mut ChangeRecorder>,
    /// The numbers of the tables that are filled in this reading of the file.
    filled: Vec<usize>,
    /// The number of the current table, with what is known of it; nothing while one is left out.
    table: Option<(usize, &'w TableImport, RecordDecoder)>,
    records: u64,
    pub done: Vec<TableReport>,
    /// Where new records refer to, besides what the file says.
    pub matches: Vec<ValueRule>,
}

impl<'w> RecordWriter<'w> {
    pub fn new(
        (random, progress): (&'w dyn Random, &'w Progress),
        choices: Choices<'w>,
        plan: &'w ImportPlan,
        loads: &'w [TableLoad],
        load: &'w mut dyn Load,
        changes: Option<&'w mut ChangeRecorder>,
    ) -> Self {
        let (filled, done, matches) = (Vec::new(), Vec::new(), Vec::new());
        Self { random, progress, choices, plan, loads, load, changes, filled, table: None, records: 0, done, matches }
    }

    pub fn begin_reading(&mut self, filled: Vec<usize>) {
        self.filled = filled;
    }

    pub fn handle(&mut self, event: DataEvent<'_>, line: u64) -> Result<()> {
        match event {
            DataEvent::TableOpened(name) => self.open_table(name),
            DataEvent::Record(record) => self.write_record(record, line),
            DataEvent::TableClosed => self.close_table(),
        }
    }

    fn open_table(&mut self, name: &TableName) -> Result<()> {
        let Some(&number) = self.filled.iter().find(|number| self.plan.tables[**number].table == *name) else {
            let is_of_other_reading = self.plan.tables.iter().any(|table| table.table == *name);
            let is_left_out = self.choices.part.is_some() || !self.choices.includes(name);
            return if is_of_other_reading || is_left_out { Ok(()) } else { Err(Error::Changed) };
        };
        let table = &self.plan.tables[number];
        let columns = table.columns.iter().map(|column| (column.name.clone(), column.codec, column.is_written));
        self.table = Some((number, table, RecordDecoder::new(columns)));
        Ok(self.load.begin_table(number)?)
    }

    fn write_record(&mut self, record: &[u8], line: u64) -> Result<()> {
        let Some((_, table, decoder)) = &mut self.table else { return Ok(()) };
        if let Some(part) = self.choices.part
            && part.role(&table.table, record)? != table.role
        {
            return Ok(());
        }
        let load = &mut *self.load;
        let pushed = decoder.decode(record, load).and_then(|()| {
            filled_columns::push(&table.filled, self.random, load)
                .and_then(|()| load.end_row())
                .map_err(|_| decode::Error::Stopped)
        });
        pushed.map_err(|error| match error {
            decode::Error::Stopped => load.take_failure().into(),
            error => Error::InvalidRecord { line, what: error.to_string() },
        })?;
        self.records += 1;
        if self.records.is_multiple_of(RECORDS_PER_PROGRESS) {
            (self.progress)(self.records);
        }
        Ok(())
    }

    fn close_table(&mut self) -> Result<()> {
        let Some((number, table, _)) = self.table.take() else { return Ok(()) };
        let effect = match self.changes.as_deref_mut().filter(|_| table.mode == ImportMode::Merge) {
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
