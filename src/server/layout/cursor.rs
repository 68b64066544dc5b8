//! The rows of one table of a document, a few at a time.

use std::collections::VecDeque;

use tokio_util::sync::CancellationToken;

use super::encoder::{Row, RowEncoder};
use super::error::Error;
use crate::model::redaction::Treatment;
use crate::server::pipeline::ProgressCounter;
use crate::server::pipeline::redact::{PseudonymKey, Redactor};
use crate::server::rows::{CursorId, OrderedScan, RowSink, Stopped, Value};
use crate::server::source::Snapshot;

/// Rows that are kept in memory take about this much.
const BUFFER_BYTES: usize = 2 << 20;
const FIRST_FETCH_ROWS: u32 = 32;
const MAX_FETCH_ROWS: u32 = 2_000;

/// What all cursors of a layout read with.
pub struct Reading<'r> {
    pub snapshot: &'r mut dyn Snapshot,
    pub pseudonym_key: &'r PseudonymKey,
    pub cancellation: &'r CancellationToken,
    pub progress: &'r ProgressCounter,
}

/// An open cursor with the rows that it has fetched.
pub struct RowCursor {
    id: CursorId,
    scan: OrderedScan,
    treatments: Vec<Treatment>,
    encoder: RowEncoder,
    rows: VecDeque<Row>,
    next_fetch: u32,
    has_ended: bool,
}

impl RowCursor {
    pub fn open(
        reading: &mut Reading<'_>,
        scan: OrderedScan,
        treatments: Vec<Treatment>,
        encoder: RowEncoder,
    ) -> Result<Self, Error> {
        let id = reading.snapshot.open_cursor(&scan)?;
        let (rows, next_fetch) = (VecDeque::new(), FIRST_FETCH_ROWS);
        Ok(Self { id, scan, treatments, encoder, rows, next_fetch, has_ended: false })
    }

    /// Takes the next row if it is nested in this one, or whatever it is nested in without one.
    pub fn take_if_in(&mut self, reading: &mut Reading<'_>, parent: Option<&[u8]>) -> Result<Option<Row>, Error> {
        if self.rows.is_empty() && !self.has_ended {
            self.fetch(reading)?;
        }
        let is_in = |row: &Row| parent.is_none_or(|parent| row.parent == parent);
        Ok(self.rows.pop_front_if(|row| is_in(row)))
    }

    fn fetch(&mut self, reading: &mut Reading<'_>) -> Result<(), Error> {
        if reading.cancellation.is_cancelled() {
            return Err(Error::Stopped);
        }
        let asked = self.next_fetch;
        let mut keys = VecDeque::new();
        let columns = &self.scan.scan.columns;
        let mut redacted = Redactor::new(&mut self.encoder, columns, &self.treatments, reading.pseudonym_key);
        let mut sink = KeyedRows { keys: &mut keys, key: Vec::new(), rows: &mut redacted };
        let fetched = reading.snapshot.fetch(self.id, asked, &mut sink)?;
        self.has_ended = fetched < u64::from(asked);
        let mut bytes = 0;
        for ((parent, key), text) in keys.into_iter().zip(self.encoder.take()) {
            bytes += text.len();
            self.rows.push_back(Row { parent, key, text });
        }
        let fitting = BUFFER_BYTES / (bytes / self.rows.len().max(1)).max(1);
        self.next_fetch = u32::try_from(fitting).unwrap_or(MAX_FETCH_ROWS).clamp(1, MAX_FETCH_ROWS);
        Ok(())
    }
}

/// Takes the two keys off each row, and passes the rest on.
struct KeyedRows<'k> {
    keys: &'k mut VecDeque<(Vec<u8>, Vec<u8>)>,
    key: Vec<Vec<u8>>,
    rows: &'k mut dyn RowSink,
}

impl RowSink for KeyedRows<'_> {
    fn push_value(&mut self, value: Value<'_>) -> Result<(), Stopped> {
        if self.key.len() == 2 {
            return self.rows.push_value(value);
        }
        self.key.push(match value {
            Value::Text(bytes) | Value::SafeAscii(bytes) => bytes.to_vec(),
            _ => Vec::new(),
        });
        Ok(())
    }

    fn end_row(&mut self) -> Result<(), Stopped> {
        let mut keys = self.key.drain(..);
        let (Some(parent), Some(key)) = (keys.next(), keys.next()) else { return Err(Stopped) };
        self.keys.push_back((parent, key));
        drop(keys);
        self.rows.end_row()
    }
}
