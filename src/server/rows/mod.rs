//! Values, tables and the row sink: the interface between source and pipeline.
//!
//! May import: `model`. Flow: a source pushes borrowed values into a `RowSink`, column by column, row by row; nothing
//! is collected or copied on the way.

mod foreign_key;
mod json_path;
mod key_set;
mod ordered_scan;
mod scan;
mod schema;
mod table_order;

pub use foreign_key::{ForeignKey, Referring};
pub use json_path::{JsonPath, JsonStep};
pub use key_set::{Bound, Condition, KeySetId, NewKeySet, Owner, Round, Rows, Step};
pub use ordered_scan::{Ancestor, CursorId, Level, OrderedScan};
pub use scan::{ReferenceInside, Restriction, Scan};
pub use schema::{Catalog, Table, UnreadableTable};
pub use table_order::parents_first;

/// One value as the engine stores it, borrowed from the engine's memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    Null,
    Boolean(bool),
    Integer(i64),
    Float(f32),
    Double(f64),
    /// Printable ASCII without quote and backslash: digits, dates, UUIDs.
    SafeAscii(&'a [u8]),
    /// Bytes that the engine declares as text; they need not be UTF-8.
    Text(&'a [u8]),
    Blob(&'a [u8]),
}

impl Value<'_> {
    /// A text or an integer as a text; nothing for anything else, and for a text that is not UTF-8.
    #[must_use]
    pub fn to_text(self) -> Option<String> {
        match self {
            Self::Text(bytes) | Self::SafeAscii(bytes) => String::from_utf8(bytes.to_vec()).ok(),
            Self::Integer(number) => Some(number.to_string()),
            _ => None,
        }
    }
}

/// Returned by a sink to end the read; the sink holds the actual error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped;

/// Receives the rows of one table.
///
/// ```
/// use waybill::server::rows::{RowSink, Stopped, Value};
///
/// /// Counts rows and NULL values.
/// #[derive(Default)]
/// struct Counter { rows: u64, nulls: u64 }
///
/// impl RowSink for Counter {
///     fn push_value(&mut self, value: Value<'_>) -> Result<(), Stopped> {
///         self.nulls += u64::from(value == Value::Null);
///         Ok(())
///     }
///
///     fn end_row(&mut self) -> Result<(), Stopped> {
///         self.rows += 1;
///         Ok(())
///     }
/// }
///
/// let mut counter = Counter::default();
/// counter.push_value(Value::Integer(1)).unwrap();
/// counter.push_value(Value::Null).unwrap();
/// counter.end_row().unwrap();
/// assert_eq!((counter.rows, counter.nulls), (1, 1));
/// ```
pub trait RowSink {
    /// Takes the next value of the current row, in the scan's column order.
    ///
    /// # Errors
    /// `Stopped` to end the read.
    fn push_value(&mut self, value: Value<'_>) -> Result<(), Stopped>;

    /// Ends the current row.
    ///
    /// # Errors
    /// `Stopped` to end the read.
    fn end_row(&mut self) -> Result<(), Stopped>;
}

/// A sink that takes long texts piece by piece, so that nobody before it holds them whole.
pub trait PieceSink: RowSink {
    /// Takes a piece of the next value, in UTF-8. The last piece comes with `push_value`.
    ///
    /// # Errors
    /// As `push_value`.
    fn push_text_piece(&mut self, piece: &[u8]) -> Result<(), Stopped>;
}
