//! Sinks between the decoder and the target.

use super::plan::TableImport;
use crate::server::profile::OnImport;
use crate::server::rows::{RowSink, Stopped, Value};
use crate::server::support::random::{Random, new_token};

/// What is no hash of any scheme matches no password.
const UNUSABLE_HASH: &[u8] = b"!";

/// Counts the values of a row that must not be NULL and are.
pub struct NullCheck {
    /// Of each written column: its name, if it must not be NULL.
    required: Vec<Option<String>>,
    next_column: usize,
    /// The first column of the row that is NULL and must not be.
    pub violated: Option<String>,
}

impl NullCheck {
    pub fn new(table: &TableImport) -> Self {
        let written = table.columns.iter().filter(|column| column.is_written);
        let required = written.map(|column| (!column.nullable).then(|| column.name.clone()));
        Self { required: required.collect(), next_column: 0, violated: None }
    }
}

impl RowSink for NullCheck {
    fn push_value(&mut self, value: Value<'_>) -> Result<(), Stopped> {
        let required = self.required.get(self.next_column).cloned().flatten().filter(|_| value == Value::Null);
        self.violated = self.violated.take().or(required);
        self.next_column += 1;
        Ok(())
    }

    fn end_row(&mut self) -> Result<(), Stopped> {
        self.next_column = 0;
        Ok(())
    }
}

/// Pushes what the columns get that the file lacks.
///
/// # Errors
/// `Stopped` if the sink stops.
pub fn push_filled(filled: &[(String, OnImport)], random: &dyn Random, sink: &mut dyn RowSink) -> Result<(), Stopped> {
    filled.iter().try_for_each(|(_, on_import)| match on_import {
        OnImport::UnusableHash => sink.push_value(Value::Text(UNUSABLE_HASH)),
        OnImport::FreshToken => sink.push_value(Value::Text(new_token(random).as_bytes())),
        OnImport::Constant(text) => sink.push_value(Value::Text(text.as_bytes())),
    })
}
