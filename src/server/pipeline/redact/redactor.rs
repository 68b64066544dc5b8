//! The row sink that replaces values.

use super::column_type::ColumnType;
use super::mask::mask_value;
use super::pseudonym::pseudonymise_value;
use super::pseudonym_key::PseudonymKey;
use crate::model::catalog::ColumnSchema;
use crate::model::redaction::Treatment;
use crate::server::rows::{RowSink, Stopped, Value};

/// A `RowSink` in front of an encoder that applies each column's treatment.
///
/// ```
/// use waybill::model::output::Format;
/// use waybill::model::redaction::Treatment;
/// use waybill::server::pipeline::encode::{self, Encoder};
/// use waybill::server::pipeline::redact::{PseudonymKey, Redactor};
/// use waybill::server::pipeline::{ChunkWriter, ProgressCounter};
/// use waybill::server::rows::{Restriction, RowSink, Scan, Value};
///
/// let scan = Scan {
///     table: "users".into(),
///     columns: serde_json::from_value(serde_json::json!([
///         {"name": "name", "type": "TEXT", "codec": "text", "nullable": true},
///     ])).unwrap(),
///     restrict: Restriction::All,
///     nulled: Vec::new(),
///     order: Vec::new(),
/// };
/// let progress = ProgressCounter::default();
/// let mut encoder = encode::by_format(Format::Json, ChunkWriter::in_memory(), &progress);
/// encoder.begin_table(&scan).unwrap();
/// let key = PseudonymKey::new([7; 32]);
/// let mut redactor = Redactor::new(&mut *encoder, &scan.columns, &[Treatment::Mask], &key);
/// redactor.push_value(Value::Text(b"Ada Lovelace")).unwrap();
/// redactor.end_row().unwrap();
/// encoder.end_table().unwrap();
/// assert!(!String::from_utf8(encoder.out().buffer().clone()).unwrap().contains("Lovelace"));
/// ```
pub struct Redactor<'a> {
    next: &'a mut dyn RowSink,
    key: &'a PseudonymKey,
    columns: Vec<(Treatment, ColumnType)>,
    column: usize,
    buffer: Vec<u8>,
}

impl<'a> Redactor<'a> {
    /// Whether any column has a treatment other than `Keep`.
    pub fn is_needed(treatments: &[Treatment]) -> bool {
        treatments.iter().any(|treatment| *treatment != Treatment::Keep)
    }

    /// A redactor for rows of these columns, each with its treatment.
    pub fn new(
        next: &'a mut dyn RowSink,
        columns: &[ColumnSchema],
        treatments: &[Treatment],
        key: &'a PseudonymKey,
    ) -> Self {
        let columns = treatments.iter().copied().zip(columns.iter().map(ColumnType::from_schema));
        Self { next, key, columns: columns.collect(), column: 0, buffer: Vec::new() }
    }
}

impl RowSink for Redactor<'_> {
    fn push_value(&mut self, value: Value<'_>) -> Result<(), Stopped> {
        let Some(&(treatment, column_type)) = self.columns.get(self.column) else { return Err(Stopped) };
        self.column += 1;
        self.buffer.clear();
        let changed = match (treatment, value) {
            (Treatment::Keep, value) => value,
            // Omitted columns are not selected; if one were, its values would be NULL.
            (_, Value::Null) | (Treatment::Omit, _) => Value::Null,
            (Treatment::Mask, value) => mask_value(value, column_type, &mut self.buffer),
            (Treatment::Pseudonymise, value) => pseudonymise_value(value, column_type, self.key, &mut self.buffer),
        };
        self.next.push_value(changed)
    }

    fn end_row(&mut self) -> Result<(), Stopped> {
        self.column = 0;
        self.next.end_row()
    }
}
