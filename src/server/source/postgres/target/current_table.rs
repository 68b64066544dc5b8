//! The table that rows are copied into.

use super::super::super::Result;
use super::copy_values::{Bytes, Double, Hex, check_text, unfit_value};
use crate::model::name::TableName;
use crate::server::rows::Value;
use crate::server::support::copy_text::CopyText;

pub struct CurrentTable {
    pub number: usize,
    pub name: TableName,
    /// Whether each column takes bytes.
    pub takes_bytes: Vec<bool>,
    next_column: usize,
    /// How many have ended.
    pub rows: u64,
}

impl CurrentTable {
    pub fn new(number: usize, name: TableName, takes_bytes: Vec<bool>) -> Self {
        Self { number, name, takes_bytes, next_column: 0, rows: 0 }
    }

    /// # Errors
    /// `Refused` for a value that PostgreSQL has no place for.
    pub fn write_value(&mut self, value: Value<'_>, rows: &mut CopyText) -> Result<()> {
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
                rows.write_value(&Bytes(text));
            }
            Value::Blob(bytes) if takes_bytes => rows.write_value(&Hex(bytes)),
            Value::Blob(_) => return Err(unfit_value(place, "bytes, and its column takes none")),
        }
        Ok(())
    }

    pub fn end_row(&mut self) {
        (self.next_column, self.rows) = (0, self.rows + 1);
    }
}
