//! Decodes the records of a file for the tables that are filled, on a thread of its own: the database takes most of the time, and works
//! on meanwhile.

use std::sync::mpsc::SyncSender;

use super::choices::Choices;
use super::filled_columns;
use super::row_batch::RowBatch;
use super::table_import::{ImportPlan, TableImport};
use super::{Error, Result};
use crate::model::name::TableName;
use crate::server::inspect::DataEvent;
use crate::server::pipeline::decode::{self, RecordDecoder};
use crate::server::rows::{PieceSink, RowSink, Stopped, Value};
use crate::server::support::random::Random;

/// How much is collected before it is handed on.
const BATCH_BYTES: usize = 256 << 10;

/// What is handed on.
pub enum DecodedStep {
    /// The table with this number begins.
    TableOpened(usize),
    Rows(RowBatch),
    TableClosed,
}

/// The table whose records are being decoded.
struct CurrentTable<'d> {
    import: &'d TableImport,
    decoder: RecordDecoder,
    /// How many records of the file have come.
    records: u64,
}

pub struct RecordDecoding<'d> {
    random: &'d dyn Random,
    choices: Choices<'d>,
    plan: &'d ImportPlan,
    /// The numbers of the tables that are filled in this reading of the file.
    filled: Vec<usize>,
    /// Nothing while a table is left out.
    table: Option<CurrentTable<'d>>,
    batches: BatchSender,
}

/// Collects values, and hands them on when they are many, or long.
struct BatchSender {
    batch: RowBatch,
    steps: SyncSender<DecodedStep>,
}

impl<'d> RecordDecoding<'d> {
    pub fn new(
        random: &'d dyn Random,
        choices: Choices<'d>,
        plan: &'d ImportPlan,
        filled: Vec<usize>,
        steps: SyncSender<DecodedStep>,
    ) -> Self {
        Self { random, choices, plan, filled, table: None, batches: BatchSender { batch: RowBatch::default(), steps } }
    }

    /// # Errors
    /// `InvalidRecord`; `Changed` if the file has another table than it had; `Panicked` if nobody takes the records any more: who has, says why.
    pub fn handle(&mut self, event: DataEvent<'_>, line: u64) -> Result<()> {
        match event {
            DataEvent::TableOpened(name) => self.open_table(name),
            DataEvent::Record(record) => self.decode(record, line),
            DataEvent::TableClosed => self.close_table(),
        }
    }

    fn open_table(&mut self, name: &TableName) -> Result<()> {
        let Some(&number) = self.filled.iter().find(|number| self.plan.tables[**number].table == *name) else {
            let is_of_other_reading = self.plan.tables.iter().any(|table| table.table == *name);
            let is_left_out = self.choices.part.is_some() || !self.choices.includes(name);
            return if is_of_other_reading || is_left_out { Ok(()) } else { Err(Error::Changed) };
        };
        let import = &self.plan.tables[number];
        let columns = import.columns.iter().map(|column| (column.name.clone(), column.codec, column.is_written));
        let decoder = RecordDecoder::new(columns);
        self.table = Some(CurrentTable { import, decoder, records: 0 });
        self.batches.hand_on(DecodedStep::TableOpened(number)).map_err(|Stopped| Error::Panicked)
    }

    fn decode(&mut self, record: &[u8], line: u64) -> Result<()> {
        let Some(CurrentTable { import, decoder, records }) = &mut self.table else { return Ok(()) };
        *records += 1;
        if import.stubs > 0 && *records > import.records {
            return Ok(());
        }
        if let Some(part) = self.choices.part
            && part.role(&import.table, record)? != import.role
        {
            return Ok(());
        }
        let batches = &mut self.batches;
        let decoded = decoder.decode(record, batches).and_then(|()| {
            filled_columns::push(&import.filled, self.random, batches)
                .and_then(|()| batches.end_row())
                .map_err(|Stopped| decode::Error::Stopped)
        });
        decoded.map_err(|error| match error {
            decode::Error::Stopped => Error::Panicked,
            error => Error::InvalidRecord { line, what: error.to_string() },
        })
    }

    fn close_table(&mut self) -> Result<()> {
        if self.table.take().is_none() {
            return Ok(());
        }
        let closed = self.batches.flush().and_then(|()| self.batches.hand_on(DecodedStep::TableClosed));
        closed.map_err(|Stopped| Error::Panicked)
    }
}

impl BatchSender {
    fn hand_on(&self, step: DecodedStep) -> std::result::Result<(), Stopped> {
        self.steps.send(step).map_err(|_| Stopped)
    }

    fn flush(&mut self) -> std::result::Result<(), Stopped> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let batch = std::mem::take(&mut self.batch);
        self.hand_on(DecodedStep::Rows(batch))
    }

    fn flush_if_full(&mut self) -> std::result::Result<(), Stopped> {
        if self.batch.size() < BATCH_BYTES { Ok(()) } else { self.flush() }
    }
}

impl RowSink for BatchSender {
    fn push_value(&mut self, value: Value<'_>) -> std::result::Result<(), Stopped> {
        self.batch.push_value(value)
    }

    fn end_row(&mut self) -> std::result::Result<(), Stopped> {
        self.batch.end_row()?;
        self.flush_if_full()
    }
}

impl PieceSink for BatchSender {
    fn push_text_piece(&mut self, piece: &[u8]) -> std::result::Result<(), Stopped> {
        self.batch.push_text_piece(piece)?;
        self.flush_if_full()
    }
}
