//! Rows on their way from the thread that decodes them to the one that writes them.

use crate::server::rows::{PieceSink, RowSink, Stopped, Value};

/// Some values of one table, row by row: a batch may begin and end within a row. Their bytes lie one after the other, so that a row allocates nothing.
#[derive(Default)]
pub struct RowBatch {
    bytes: Vec<u8>,
    cells: Vec<Cell>,
    rows: u64,
}

enum Cell {
    Null,
    Boolean(bool),
    Integer(i64),
    Float(f32),
    Double(f64),
    /// The length of the bytes that belong to it, as of the next two.
    SafeAscii(usize),
    Text(usize),
    /// The text goes on.
    TextPiece(usize),
    Blob(usize),
    EndOfRow,
}

impl RowBatch {
    /// About how much memory it takes.
    pub fn size(&self) -> usize {
        self.bytes.len() + self.cells.len() * size_of::<Cell>()
    }

    /// How many rows end in it.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Pushes the values.
    ///
    /// # Errors
    /// `Stopped` if the sink stops.
    pub fn push_into(&self, sink: &mut dyn PieceSink) -> Result<(), Stopped> {
        let mut rest = &self.bytes[..];
        let mut next = |length: usize| {
            let (bytes, others) = rest.split_at(length);
            rest = others;
            bytes
        };
        for cell in &self.cells {
            match cell {
                Cell::Null => sink.push_value(Value::Null)?,
                Cell::Boolean(value) => sink.push_value(Value::Boolean(*value))?,
                Cell::Integer(n) => sink.push_value(Value::Integer(*n))?,
                Cell::Float(n) => sink.push_value(Value::Float(*n))?,
                Cell::Double(n) => sink.push_value(Value::Double(*n))?,
                Cell::SafeAscii(length) => sink.push_value(Value::SafeAscii(next(*length)))?,
                Cell::Text(length) => sink.push_value(Value::Text(next(*length)))?,
                Cell::TextPiece(length) => sink.push_text_piece(next(*length))?,
                Cell::Blob(length) => sink.push_value(Value::Blob(next(*length)))?,
                Cell::EndOfRow => sink.end_row()?,
            }
        }
        Ok(())
    }

    fn keep(&mut self, bytes: &[u8]) -> usize {
        self.bytes.extend_from_slice(bytes);
        bytes.len()
    }
}

impl RowSink for RowBatch {
    fn push_value(&mut self, value: Value<'_>) -> Result<(), Stopped> {
        let cell = match value {
            Value::Null => Cell::Null,
            Value::Boolean(value) => Cell::Boolean(value),
            Value::Integer(n) => Cell::Integer(n),
            Value::Float(n) => Cell::Float(n),
            Value::Double(n) => Cell::Double(n),
            Value::SafeAscii(text) => Cell::SafeAscii(self.keep(text)),
            Value::Text(text) => Cell::Text(self.keep(text)),
            Value::Blob(bytes) => Cell::Blob(self.keep(bytes)),
        };
        self.cells.push(cell);
        Ok(())
    }

    fn end_row(&mut self) -> Result<(), Stopped> {
        self.cells.push(Cell::EndOfRow);
        self.rows += 1;
        Ok(())
    }
}

impl PieceSink for RowBatch {
    fn push_text_piece(&mut self, piece: &[u8]) -> Result<(), Stopped> {
        let cell = Cell::TextPiece(self.keep(piece));
        self.cells.push(cell);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a sink has got, as texts.
    #[derive(Default, PartialEq, Debug)]
    struct Seen(Vec<Vec<String>>, Vec<String>);

    impl RowSink for Seen {
        fn push_value(&mut self, value: Value<'_>) -> Result<(), Stopped> {
            self.1.push(format!("{value:?}"));
            Ok(())
        }

        fn end_row(&mut self) -> Result<(), Stopped> {
            self.0.push(std::mem::take(&mut self.1));
            Ok(())
        }
    }

    impl PieceSink for Seen {
        fn push_text_piece(&mut self, piece: &[u8]) -> Result<(), Stopped> {
            self.1.push(format!("piece {piece:?}"));
            Ok(())
        }
    }

    fn push(sink: &mut dyn PieceSink, (kind, number, bytes): &(u8, i64, Vec<u8>)) {
        #[expect(clippy::cast_precision_loss, reason = "any number will do")]
        let value = match kind % 9 {
            8 => return sink.push_text_piece(bytes).unwrap(),
            0 => Value::Null,
            1 => Value::Boolean(*number > 0),
            2 => Value::Integer(*number),
            3 => Value::Float(*number as f32),
            4 => Value::Double(*number as f64),
            5 => Value::SafeAscii(bytes),
            6 => Value::Text(bytes),
            _ => Value::Blob(bytes),
        };
        sink.push_value(value).unwrap();
    }

    proptest! {
        #[test]
        fn rows_come_out_as_they_went_in(rows in proptest::collection::vec(proptest::collection::vec(any::<(u8, i64, Vec<u8>)>(), 0..5), 0..20)) {
            let (mut batch, mut direct, mut through) = (RowBatch::default(), Seen::default(), Seen::default());
            for row in &rows {
                for value in row {
                    push(&mut batch, value);
                    push(&mut direct, value);
                }
                batch.end_row().unwrap();
                direct.end_row().unwrap();
            }
            batch.push_into(&mut through).unwrap();
            prop_assert_eq!(batch.rows(), rows.len() as u64);
            prop_assert_eq!(through, direct);
        }
    }
}
