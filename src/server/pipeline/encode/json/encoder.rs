//! Encodes the records of tables, one a line.

use super::value::write_value;
use crate::model::catalog::Codec;
use crate::seal::layout;
use crate::server::pipeline::encode::Encoder;
use crate::server::pipeline::progress::RecordCounter;
use crate::server::pipeline::{ChunkWriter, ProgressCounter};
use crate::server::rows::{RowSink, Scan, Stopped, Value};

/// Encodes tables as JSON: keys in column order, one record a line.
///
/// ```
/// use waybill::server::pipeline::encode::Encoder;
/// use waybill::server::pipeline::encode::json::JsonEncoder;
/// use waybill::server::pipeline::{ChunkWriter, ProgressCounter};
/// use waybill::server::rows::{Restriction, RowSink, Scan, Value};
///
/// let scan = Scan {
///     table: "users".into(),
///     columns: serde_json::from_value(serde_json::json!([
///         {"name": "id", "type": "INTEGER", "codec": "integer", "nullable": false},
///         {"name": "name", "type": "TEXT", "codec": "text", "nullable": true},
///     ])).unwrap(),
///     restrict: Restriction::All,
///     nulled: Vec::new(),
///     order: Vec::new(),
/// };
/// let progress = ProgressCounter::default();
/// let mut encoder = JsonEncoder::new(ChunkWriter::in_memory(), &progress);
/// encoder.begin_table(&scan).unwrap();
/// encoder.push_value(Value::Integer(9_007_199_254_740_993)).unwrap();
/// encoder.push_value(Value::Text(b"Ada")).unwrap();
/// encoder.end_row().unwrap();
/// assert_eq!(encoder.end_table().unwrap(), 1);
/// // An integer that JavaScript would round is a string.
/// assert_eq!(encoder.out().buffer(), b"\"users\":[\n{\"id\":\"9007199254740993\",\"name\":\"Ada\"}\n");
/// ```
pub struct JsonEncoder<'p> {
    out: ChunkWriter,
    /// Per column: `{"id":` for the first, `,"name":` for the rest, and its codec.
    columns: Vec<(Vec<u8>, Codec)>,
    next_column: usize,
    records: RecordCounter<'p>,
}

impl<'p> JsonEncoder<'p> {
    #[must_use]
    pub fn new(out: ChunkWriter, progress: &'p ProgressCounter) -> Self {
        Self { out, columns: Vec::new(), next_column: 0, records: RecordCounter::new(progress) }
    }
}

impl Encoder for JsonEncoder<'_> {
    /// Writes the table's opening line.
    fn begin_table(&mut self, scan: &Scan) -> Result<(), Stopped> {
        self.out.buffer().extend_from_slice(layout::table_opening(&scan.table).as_bytes());
        let columns =
            scan.columns.iter().enumerate().map(|(at, column)| (layout::field_prefix(at, &column.name), column.codec));
        self.columns = columns.collect();
        self.next_column = 0;
        Ok(())
    }

    /// Ends the last record's line.
    fn end_table(&mut self) -> Result<u64, Stopped> {
        if self.records.records() > 0 {
            self.out.buffer().extend_from_slice(layout::RECORDS_END);
        }
        Ok(self.records.end_table())
    }

    fn out(&mut self) -> &mut ChunkWriter {
        &mut self.out
    }

    fn separator_bytes(&self) -> usize {
        layout::RECORD_SEPARATOR.len()
    }
}

impl RowSink for JsonEncoder<'_> {
    fn push_value(&mut self, value: Value<'_>) -> Result<(), Stopped> {
        let Some((prefix, codec)) = self.columns.get(self.next_column) else { return Err(Stopped) };
        if self.next_column == 0 && self.records.records() > 0 {
            self.out.buffer().extend_from_slice(layout::RECORD_SEPARATOR);
        }
        self.next_column += 1;
        self.out.buffer().extend_from_slice(prefix);
        write_value(&mut self.out, *codec, value)
    }

    fn end_row(&mut self) -> Result<(), Stopped> {
        if self.columns.is_empty() {
            if self.records.records() > 0 {
                self.out.buffer().extend_from_slice(layout::RECORD_SEPARATOR);
            }
            self.out.buffer().push(layout::RECORD_OPEN);
        }
        self.out.buffer().push(layout::RECORD_CLOSE);
        self.next_column = 0;
        self.records.add();
        self.out.flush_if_full()
    }
}
