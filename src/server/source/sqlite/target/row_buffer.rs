//! The values of a row that is going to be written.

use std::ops::Range;

use rusqlite::types::{ToSqlOutput, ValueRef};

use crate::server::rows::Value;

/// Memory that is used again for the next row.
const MAX_KEPT_BYTES: usize = 1 << 20;

/// The values of a row. Their bytes lie one after the other, so that a row allocates nothing.
#[derive(Default)]
pub struct RowBuffer {
    bytes: Vec<u8>,
    cells: Vec<Cell>,
    /// Where the text begins of which pieces have come.
    text_start: Option<usize>,
}

enum Cell {
    Null,
    Integer(i64),
    Real(f64),
    Text(Range<usize>),
    Blob(Range<usize>),
}

impl RowBuffer {
    pub fn push(&mut self, value: Value<'_>) {
        let cell = match value {
            Value::Null => Cell::Null,
            Value::Boolean(value) => Cell::Integer(value.into()),
            Value::Integer(n) => Cell::Integer(n),
            Value::Float(n) => Cell::Real(n.into()),
            Value::Double(n) => Cell::Real(n),
            Value::SafeAscii(text) | Value::Text(text) => {
                let end = self.keep(text);
                Cell::Text(self.text_start.take().unwrap_or(end.start)..end.end)
            }
            Value::Blob(bytes) => Cell::Blob(self.keep(bytes)),
        };
        self.cells.push(cell);
    }

    /// A piece of a text that `push` ends.
    pub fn push_piece(&mut self, piece: &[u8]) {
        let start = self.keep(piece).start;
        self.text_start.get_or_insert(start);
    }

    fn keep(&mut self, bytes: &[u8]) -> Range<usize> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        start..self.bytes.len()
    }

    pub fn values(&self) -> impl Iterator<Item = ToSqlOutput<'_>> {
        self.cells.iter().map(|cell| {
            ToSqlOutput::Borrowed(match cell {
                Cell::Null => ValueRef::Null,
                Cell::Integer(n) => ValueRef::Integer(*n),
                Cell::Real(n) => ValueRef::Real(*n),
                Cell::Text(range) => ValueRef::Text(&self.bytes[range.clone()]),
                Cell::Blob(range) => ValueRef::Blob(&self.bytes[range.clone()]),
            })
        })
    }

    /// Puts another value into this place.
    pub fn replace(&mut self, place: usize, value: ValueRef<'_>) {
        let cell = match value {
            ValueRef::Null => Cell::Null,
            ValueRef::Integer(n) => Cell::Integer(n),
            ValueRef::Real(n) => Cell::Real(n),
            ValueRef::Text(text) => Cell::Text(self.keep(text)),
            ValueRef::Blob(bytes) => Cell::Blob(self.keep(bytes)),
        };
        self.cells[place] = cell;
    }

    pub fn clear(&mut self) {
        // The memory of a very long row is not kept for the others.
        if self.bytes.capacity() > MAX_KEPT_BYTES {
            self.bytes = Vec::new();
        }
        self.bytes.clear();
        self.cells.clear();
    }
}
