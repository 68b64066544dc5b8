//! The floor between source and pipeline: what a value, a table and a stream of rows are.
//!
//! May import: `model`. Flow: a source pushes borrowed values into a `RowSink`, column by column,
//! row by row; nothing is collected, nothing is copied on the way.

mod order;

use crate::model::catalog::ColumnSchema;
use crate::model::manifest::RecordOrder;
use crate::model::redaction::{NotIncluded, Treatment};

pub use order::parents_first;

/// One value as the engine stores it, borrowed from the engine's own memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    Null,
    Boolean(bool),
    Integer(i64),
    Float(f32),
    Double(f64),
    /// Text that is printable ASCII without quote and backslash: digits, dates, UUIDs.
    Plain(&'a [u8]),
    /// Bytes that the engine calls text; they need not be UTF-8.
    Text(&'a [u8]),
    Blob(&'a [u8]),
}

/// A table as the database has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    pub name: String,
    pub columns: Vec<ColumnSchema>,
    /// Empty where the table has none.
    pub primary_key: Vec<String>,
    /// Tables that this one refers to.
    pub parents: Vec<String>,
    /// What the database's own documentation says.
    pub comment: Option<String>,
}

/// Everything in the database: tables in file order, the rest with the reason it is left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalog {
    pub tables: Vec<Table>,
    pub not_included: Vec<NotIncluded>,
    /// Tables that the database would not let us read whole.
    pub unreadable: Vec<Unreadable>,
}

/// A table that cannot be read, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    pub table: String,
    pub reason: String,
}

impl Catalog {
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name)
    }
}

/// What to read of one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    pub table: String,
    /// In the order in which values are wanted.
    pub columns: Vec<ColumnSchema>,
    /// What is done with each column's values.
    pub treatments: Vec<Treatment>,
    /// What records are ordered by: the primary key, else every column; of both, only what leaves as it is.
    pub key: Vec<String>,
    pub order: RecordOrder,
}

/// The receiver of rows wants no more of them; its own error says why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped;

/// Takes the rows of one table.
pub trait RowSink {
    /// The next value of the row in hand, in the selection's column order.
    ///
    /// # Errors
    /// When reading should end here.
    fn value(&mut self, value: Value<'_>) -> Result<(), Stopped>;

    /// The row in hand is complete.
    ///
    /// # Errors
    /// When reading should end here.
    fn end_row(&mut self) -> Result<(), Stopped>;
}
