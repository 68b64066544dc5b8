//! Rows with fewer columns than the table that they are written to.

use crate::model::catalog::ColumnSchema;
use crate::server::rows::{RowSink, Stopped, Value};

/// Passes rows on with NULL in the columns that they do not have.
pub struct FillColumns<'s> {
    sink: &'s mut dyn RowSink,
    /// Whether each column of the table is one of the rows'.
    is_given: Vec<bool>,
    next_column: usize,
}

impl<'s> FillColumns<'s> {
    /// The rows have the columns `given`, in the order of `all`.
    pub fn new(sink: &'s mut dyn RowSink, all: &[ColumnSchema], given: &[ColumnSchema]) -> Self {
        let is_given = all.iter().map(|column| given.iter().any(|given| given.name == column.name)).collect();
        Self { sink, is_given, next_column: 0 }
    }

    /// Fills up to the next column that is given, or to the end of the row.
    fn fill(&mut self) -> Result<(), Stopped> {
        while self.is_given.get(self.next_column) == Some(&false) {
            self.sink.push_value(Value::Null)?;
            self.next_column += 1;
        }
        Ok(())
    }
}

impl RowSink for FillColumns<'_> {
    fn push_value(&mut self, value: Value<'_>) -> Result<(), Stopped> {
        self.fill()?;
        self.next_column += 1;
        self.sink.push_value(value)
    }

    fn end_row(&mut self) -> Result<(), Stopped> {
        self.fill()?;
        self.next_column = 0;
        self.sink.end_row()
    }
}
