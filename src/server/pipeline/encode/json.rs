//! JSON encoder: one record per line, keys in column order.

use std::io::Write;

use super::lossless_json::is_embeddable;
use super::scalar;
use crate::model::catalog::Codec;
use crate::seal::layout;
use crate::server::pipeline::{ChunkWriter, ProgressCounter};
use crate::server::rows::{RowSink, Scan, Stopped, Value};

/// Long values are encoded in pieces of this size, so that one of 100 MB needs no buffer of 100 MB.
/// A multiple of three, for base64.
const LONG_VALUE_PIECE_BYTES: usize = 48 << 10;
/// Number of records between two updates of the progress counter.
const PROGRESS_INTERVAL: u64 = 256;

/// A buffer for encoded bytes that is emptied in chunks.
pub trait EncodeBuffer {
    fn buffer(&mut self) -> &mut Vec<u8>;
    /// # Errors
    /// When the receiver of the bytes has ended, or the run was cancelled.
    fn flush_if_full(&mut self) -> Result<(), Stopped>;
}

impl EncodeBuffer for ChunkWriter<'_> {
    fn buffer(&mut self) -> &mut Vec<u8> {
        ChunkWriter::buffer(self)
    }

    fn flush_if_full(&mut self) -> Result<(), Stopped> {
        ChunkWriter::flush_if_full(self)
    }
}

/// An in-memory buffer, to measure a sample of records.
impl EncodeBuffer for Vec<u8> {
    fn buffer(&mut self) -> &mut Vec<u8> {
        self
    }

    fn flush_if_full(&mut self) -> Result<(), Stopped> {
        Ok(())
    }
}

/// Encodes the records of one table.
///
/// ```
/// use waybill::model::manifest::RecordOrder;
/// use waybill::model::redaction::Treatment;
/// use waybill::server::pipeline::ProgressCounter;
/// use waybill::server::pipeline::encode::json::JsonEncoder;
/// use waybill::server::rows::{RowSink, Scan, Value};
///
/// let scan = Scan {
///     table: "users".into(),
///     columns: serde_json::from_value(serde_json::json!([
///         {"name": "id", "type": "INTEGER", "codec": "integer", "nullable": false},
///         {"name": "name", "type": "TEXT", "codec": "text", "nullable": true},
///     ])).unwrap(),
///     treatments: vec![Treatment::Keep; 2],
///     order_by: vec!["id".into()],
///     order: RecordOrder::Storage,
/// };
/// let (mut bytes, progress) = (Vec::new(), ProgressCounter::default());
/// let mut encoder = JsonEncoder::begin_table(&mut bytes, &progress, &scan);
/// encoder.push_value(Value::Integer(9_007_199_254_740_993)).unwrap();
/// encoder.push_value(Value::Text(b"Ada")).unwrap();
/// encoder.end_row().unwrap();
/// assert_eq!(encoder.end_table(), 1);
/// // An integer that JavaScript would round is a string.
/// assert_eq!(bytes, b"\"users\":[\n{\"id\":\"9007199254740993\",\"name\":\"Ada\"}\n");
/// ```
pub struct JsonEncoder<'a, C: EncodeBuffer> {
    out: &'a mut C,
    progress: &'a ProgressCounter,
    /// Per column: `{"id":` for the first, `,"name":` for the rest, and its codec.
    columns: Vec<(Vec<u8>, Codec)>,
    next_column: usize,
    records: u64,
}

impl<'a, C: EncodeBuffer> JsonEncoder<'a, C> {
    /// Writes the table's opening line. Call `end_table` after the last record.
    pub fn begin_table(out: &'a mut C, progress: &'a ProgressCounter, scan: &Scan) -> Self {
        out.buffer().extend_from_slice(layout::table_opening(&scan.table).as_bytes());
        let columns =
            scan.columns.iter().enumerate().map(|(at, column)| (layout::field_prefix(at, &column.name), column.codec));
        Self { columns: columns.collect(), out, progress, next_column: 0, records: 0 }
    }

    /// Discards the buffered bytes and returns their number.
    pub fn discard_encoded(&mut self) -> usize {
        let bytes = self.out.buffer().len();
        self.out.buffer().clear();
        bytes
    }

    /// Ends the last record's line and returns the number of records.
    pub fn end_table(self) -> u64 {
        if self.records > 0 {
            self.out.buffer().extend_from_slice(layout::RECORDS_END);
        }
        self.records
    }

    fn write_long_text(&mut self, text: &str) -> Result<(), Stopped> {
        self.out.buffer().push(b'"');
        for piece in text.as_bytes().chunks(LONG_VALUE_PIECE_BYTES) {
            scalar::write_escaped(self.out.buffer(), piece);
            self.out.flush_if_full()?;
        }
        self.out.buffer().push(b'"');
        Ok(())
    }

    fn write_long_base64(&mut self, bytes: &[u8]) -> Result<(), Stopped> {
        self.out.buffer().push(b'"');
        for piece in bytes.chunks(LONG_VALUE_PIECE_BYTES) {
            scalar::write_base64(self.out.buffer(), piece);
            self.out.flush_if_full()?;
        }
        self.out.buffer().push(b'"');
        Ok(())
    }

    fn write_text(&mut self, codec: Codec, bytes: &[u8]) -> Result<(), Stopped> {
        if codec == Codec::Text && bytes.len() <= LONG_VALUE_PIECE_BYTES && scalar::needs_no_escape(bytes) {
            scalar::write_quoted(self.out.buffer(), bytes);
            return Ok(());
        }
        let Ok(text) = std::str::from_utf8(bytes) else {
            return self.write_tagged("$bytes", |encoder| encoder.write_long_base64(bytes));
        };
        match codec {
            Codec::Boolean | Codec::Integer | Codec::Double | Codec::Base64 => {
                self.write_tagged("$text", |encoder| encoder.write_long_text(text))
            }
            Codec::Json if is_embeddable(text) => {
                for piece in bytes.chunks(LONG_VALUE_PIECE_BYTES) {
                    self.out.buffer().extend_from_slice(piece);
                    self.out.flush_if_full()?;
                }
                Ok(())
            }
            Codec::Json => self.write_tagged("$json", |encoder| encoder.write_long_text(text)),
            _ => self.write_long_text(text),
        }
    }

    fn write_integer(&mut self, codec: Codec, n: i64) -> Result<(), Stopped> {
        let is_safe = (-scalar::MAX_SAFE_INTEGER..=scalar::MAX_SAFE_INTEGER).contains(&n);
        match codec {
            Codec::Boolean if n == 0 || n == 1 => {
                self.out.buffer().extend_from_slice(if n == 1 { b"true" } else { b"false" });
            }
            Codec::Integer => scalar::write_integer(self.out.buffer(), n),
            // In a column without a type, a larger integer as a string would read as text: it is tagged below.
            Codec::Dynamic if is_safe => scalar::write_integer(self.out.buffer(), n),
            _ => {
                return self.write_tagged("$int", |encoder| {
                    scalar::write_integer(encoder.out.buffer(), n);
                    Ok(())
                });
            }
        }
        Ok(())
    }

    fn write_double(&mut self, codec: Codec, n: f64) -> Result<(), Stopped> {
        // In a column without a type, many readers would return 1.0 as the integer 1.
        let is_untagged = codec == Codec::Double || (codec == Codec::Dynamic && n.is_finite() && n.fract() != 0.0);
        if is_untagged {
            scalar::write_double(self.out.buffer(), n);
            return Ok(());
        }
        self.write_tagged("$real", |encoder| {
            scalar::write_double(encoder.out.buffer(), n);
            Ok(())
        })
    }

    fn write_blob(&mut self, codec: Codec, bytes: &[u8]) -> Result<(), Stopped> {
        if codec == Codec::Base64 {
            return self.write_long_base64(bytes);
        }
        self.write_tagged("$blob", |encoder| encoder.write_long_base64(bytes))
    }

    /// Writes `{"$tag":…}`: a value that is not of its column's type.
    fn write_tagged(&mut self, tag: &str, inner: impl FnOnce(&mut Self) -> Result<(), Stopped>) -> Result<(), Stopped> {
        let _ = write!(self.out.buffer(), "{{\"{tag}\":");
        inner(self)?;
        self.out.buffer().push(b'}');
        Ok(())
    }
}

/// Makes the progress counter exact however the table ends, even by a panic: an error names the exact record.
impl<C: EncodeBuffer> Drop for JsonEncoder<'_, C> {
    fn drop(&mut self) {
        self.progress.add_records(self.records % PROGRESS_INTERVAL);
    }
}

impl<C: EncodeBuffer> RowSink for JsonEncoder<'_, C> {
    fn push_value(&mut self, value: Value<'_>) -> Result<(), Stopped> {
        let Some((prefix, codec)) = self.columns.get(self.next_column) else { return Err(Stopped) };
        let codec = *codec;
        if self.next_column == 0 && self.records > 0 {
            self.out.buffer().extend_from_slice(layout::RECORD_SEPARATOR);
        }
        self.out.buffer().extend_from_slice(prefix);
        self.next_column += 1;
        match value {
            Value::Null => {
                self.out.buffer().extend_from_slice(b"null");
                Ok(())
            }
            Value::Boolean(value) => {
                self.out.buffer().extend_from_slice(if value { b"true" } else { b"false" });
                Ok(())
            }
            Value::Integer(n) => self.write_integer(codec, n),
            Value::Float(n) => {
                scalar::write_float(self.out.buffer(), n);
                Ok(())
            }
            Value::Double(n) => self.write_double(codec, n),
            Value::SafeAscii(text) => {
                scalar::write_quoted(self.out.buffer(), text);
                Ok(())
            }
            Value::Text(bytes) => self.write_text(codec, bytes),
            Value::Blob(bytes) => self.write_blob(codec, bytes),
        }
    }

    fn end_row(&mut self) -> Result<(), Stopped> {
        if self.columns.is_empty() {
            if self.records > 0 {
                self.out.buffer().extend_from_slice(layout::RECORD_SEPARATOR);
            }
            self.out.buffer().push(layout::RECORD_OPEN);
        }
        self.out.buffer().push(layout::RECORD_CLOSE);
        self.next_column = 0;
        self.records += 1;
        if self.records.is_multiple_of(PROGRESS_INTERVAL) {
            self.progress.add_records(PROGRESS_INTERVAL);
        }
        self.out.flush_if_full()
    }
}
