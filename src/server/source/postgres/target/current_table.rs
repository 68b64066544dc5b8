//! The table that rows are copied into.

use super::super::super::Result;
use super::copy_values::{Double, check_text, unfit_value, write_hex};
use crate::model::name::TableName;
use crate::server::rows::Value;
use crate::server::support::copy_text::CopyText;

/// How much of a value is written at once: a long one is sent in pieces, and never held in the form of a copy.
const PIECE_BYTES: usize = 128 << 10;

pub struct CurrentTable {
    pub number: usize,
    pub name: TableName,
    /// Whether each column takes bytes.
    pub takes_bytes: Vec<bool>,
    next_column: usize,
    /// Whether a piece of the next value is written.
    is_in_text: bool,
    /// How many have ended.
    pub rows: u64,
}

impl CurrentTable {
    pub fn new(number: usize, name: TableName, takes_bytes: Vec<bool>) -> Self {
        Self { number, name, takes_bytes, next_column: 0, is_in_text: false, rows: 0 }
    }

    /// Writes a value to `rows`, which `send` takes from there when they are many.
    ///
    /// # Errors
    /// `Refused` for a value that PostgreSQL has no place for; otherwise an error of `send`.
    pub fn write_value(
        &mut self,
        value: Value<'_>,
        rows: &mut CopyText,
        send: &mut dyn FnMut(&mut CopyText) -> Result<()>,
    ) -> Result<()> {
        if self.is_in_text
            && let Value::Text(end) = value
        {
            self.write_text_piece(end, rows, send)?;
            (self.is_in_text, self.next_column) = (false, self.next_column + 1);
            return Ok(());
        }
        let takes_bytes = self.takes_bytes.get(self.next_column).copied().unwrap_or(false);
        self.next_column += 1;
        let place = (&self.name, self.rows + 1);
        match value {
            Value::Null => rows.write_value(&None::<&str>),
            Value::Boolean(value) => rows.write_value(&value),
            Value::Integer(n) => rows.write_value(&n),
            Value::Float(n) => rows.write_value(&Double(n.into())),
            Value::Double(n) => rows.write_value(&Double(n)),
            Value::SafeAscii(text) | Value::Text(text) => {
                check_text(text).map_err(|what| unfit_value(place, what))?;
                rows.begin_value();
                write_text(text, rows, send)?;
            }
            Value::Blob(bytes) if takes_bytes => {
                rows.begin_value();
                rows.write_text(b"\\x");
                for piece in bytes.chunks(PIECE_BYTES) {
                    write_hex(piece, rows);
                    if piece.len() == PIECE_BYTES {
                        send(rows)?;
                    }
                }
            }
            Value::Blob(_) => return Err(unfit_value(place, "bytes, and its column takes none")),
        }
        Ok(())
    }

    /// Writes a piece of the next value, which `write_value` ends.
    ///
    /// # Errors
    /// As `write_value`.
    pub fn write_text_piece(
        &mut self,
        piece: &[u8],
        rows: &mut CopyText,
        send: &mut dyn FnMut(&mut CopyText) -> Result<()>,
    ) -> Result<()> {
        check_text(piece).map_err(|what| unfit_value((&self.name, self.rows + 1), what))?;
        if !std::mem::replace(&mut self.is_in_text, true) {
            rows.begin_value();
        }
        write_text(piece, rows, send)
    }

    pub fn end_row(&mut self) {
        (self.next_column, self.rows) = (0, self.rows + 1);
    }
}

fn write_text(text: &[u8], rows: &mut CopyText, send: &mut dyn FnMut(&mut CopyText) -> Result<()>) -> Result<()> {
    for piece in text.chunks(PIECE_BYTES) {
        rows.write_text(piece);
        if piece.len() == PIECE_BYTES {
            send(rows)?;
        }
    }
    Ok(())
}
