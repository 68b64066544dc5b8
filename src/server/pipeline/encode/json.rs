//! JSON encoder: one record per line, keys in column order.

use std::io::Write;

use super::embed::is_embeddable;
use super::scalar;
use crate::model::catalog::Codec;
use crate::seal::{field_open, table_open};
use crate::server::pipeline::{Belt, Meter};
use crate::server::rows::{RowSink, Selection, Stopped, Value};

/// Long values are encoded in pieces of this size, so that one of 100 MB needs no buffer of 100 MB.
/// A multiple of three, for base64.
const PIECE_BYTES: usize = 48 << 10;
/// Number of records between two updates of the meter.
const REPORT_EVERY: u64 = 256;

/// A buffer for encoded bytes that is emptied in chunks.
pub trait Chunks {
    fn buffer(&mut self) -> &mut Vec<u8>;
    /// # Errors
    /// When the receiver of the bytes has ended, or the run was cancelled.
    fn flush_if_full(&mut self) -> Result<(), Stopped>;
}

impl Chunks for Belt<'_> {
    fn buffer(&mut self) -> &mut Vec<u8> {
        Belt::buffer(self)
    }

    fn flush_if_full(&mut self) -> Result<(), Stopped> {
        Belt::flush_if_full(self)
    }
}

/// An in-memory buffer, to measure a sample of records.
impl Chunks for Vec<u8> {
    fn buffer(&mut self) -> &mut Vec<u8> {
        self
    }

    fn flush_if_full(&mut self) -> Result<(), Stopped> {
        Ok(())
    }
}

/// Encodes the records of one table.
pub struct JsonTable<'a, C: Chunks> {
    out: &'a mut C,
    meter: &'a Meter,
    /// Per column: `{"id":` for the first, `,"name":` for the rest, and its codec.
    columns: Vec<(Vec<u8>, Codec)>,
    column: usize,
    records: u64,
}

impl<'a, C: Chunks> JsonTable<'a, C> {
    /// Writes the table's opening line. Call `end` after the last record.
    pub fn begin(out: &'a mut C, meter: &'a Meter, selection: &Selection) -> Self {
        out.buffer().extend_from_slice(table_open(&selection.table).as_bytes());
        let columns =
            selection.columns.iter().enumerate().map(|(at, column)| (field_open(at, &column.name), column.codec));
        Self { columns: columns.collect(), out, meter, column: 0, records: 0 }
    }

    /// Discards the buffered bytes and returns their number.
    pub fn take_encoded_bytes(&mut self) -> usize {
        let bytes = self.out.buffer().len();
        self.out.buffer().clear();
        bytes
    }

    /// Ends the last record's line and returns the number of records.
    pub fn end(self) -> u64 {
        if self.records > 0 {
            self.out.buffer().push(b'\n');
        }
        self.records
    }

    fn long_text(&mut self, text: &str) -> Result<(), Stopped> {
        self.out.buffer().push(b'"');
        for piece in text.as_bytes().chunks(PIECE_BYTES) {
            scalar::escaped(self.out.buffer(), piece);
            self.out.flush_if_full()?;
        }
        self.out.buffer().push(b'"');
        Ok(())
    }

    fn long_base64(&mut self, bytes: &[u8]) -> Result<(), Stopped> {
        self.out.buffer().push(b'"');
        for piece in bytes.chunks(PIECE_BYTES) {
            scalar::base64(self.out.buffer(), piece);
            self.out.flush_if_full()?;
        }
        self.out.buffer().push(b'"');
        Ok(())
    }

    fn text(&mut self, codec: Codec, bytes: &[u8]) -> Result<(), Stopped> {
        if codec == Codec::Text && bytes.len() <= PIECE_BYTES && scalar::is_plain(bytes) {
            scalar::quoted(self.out.buffer(), bytes);
            return Ok(());
        }
        let Ok(text) = std::str::from_utf8(bytes) else {
            return self.tagged("$bytes", |encoder| encoder.long_base64(bytes));
        };
        match codec {
            Codec::Boolean | Codec::Integer | Codec::Double | Codec::Base64 => {
                self.tagged("$text", |encoder| encoder.long_text(text))
            }
            Codec::Json if is_embeddable(text) => {
                for piece in bytes.chunks(PIECE_BYTES) {
                    self.out.buffer().extend_from_slice(piece);
                    self.out.flush_if_full()?;
                }
                Ok(())
            }
            Codec::Json => self.tagged("$json", |encoder| encoder.long_text(text)),
            _ => self.long_text(text),
        }
    }

    fn integer(&mut self, codec: Codec, n: i64) -> Result<(), Stopped> {
        let exact = (-scalar::LARGEST_EXACT..=scalar::LARGEST_EXACT).contains(&n);
        match codec {
            Codec::Boolean if n == 0 || n == 1 => {
                self.out.buffer().extend_from_slice(if n == 1 { b"true" } else { b"false" });
            }
            Codec::Integer => scalar::integer(self.out.buffer(), n),
            // In a column without a type, a larger integer as a string would read as text: it is tagged below.
            Codec::Dynamic if exact => scalar::integer(self.out.buffer(), n),
            _ => {
                return self.tagged("$int", |encoder| {
                    scalar::integer(encoder.out.buffer(), n);
                    Ok(())
                });
            }
        }
        Ok(())
    }

    fn double(&mut self, codec: Codec, n: f64) -> Result<(), Stopped> {
        // In a column without a type, many readers would return 1.0 as the integer 1.
        let plain = codec == Codec::Double || (codec == Codec::Dynamic && n.is_finite() && n.fract() != 0.0);
        if plain {
            scalar::double(self.out.buffer(), n);
            return Ok(());
        }
        self.tagged("$real", |encoder| {
            scalar::double(encoder.out.buffer(), n);
            Ok(())
        })
    }

    fn blob(&mut self, codec: Codec, bytes: &[u8]) -> Result<(), Stopped> {
        if codec == Codec::Base64 {
            return self.long_base64(bytes);
        }
        self.tagged("$blob", |encoder| encoder.long_base64(bytes))
    }

    /// Writes `{"$tag":…}`: a value that is not of its column's type.
    fn tagged(&mut self, tag: &str, inner: impl FnOnce(&mut Self) -> Result<(), Stopped>) -> Result<(), Stopped> {
        let _ = write!(self.out.buffer(), "{{\"{tag}\":");
        inner(self)?;
        self.out.buffer().push(b'}');
        Ok(())
    }
}

/// Makes the meter exact however the table ends, even by a panic: an error names the exact record.
impl<C: Chunks> Drop for JsonTable<'_, C> {
    fn drop(&mut self) {
        self.meter.add_records(self.records % REPORT_EVERY);
    }
}

impl<C: Chunks> RowSink for JsonTable<'_, C> {
    fn value(&mut self, value: Value<'_>) -> Result<(), Stopped> {
        let Some((prefix, codec)) = self.columns.get(self.column) else { return Err(Stopped) };
        let codec = *codec;
        if self.column == 0 && self.records > 0 {
            self.out.buffer().extend_from_slice(b",\n");
        }
        self.out.buffer().extend_from_slice(prefix);
        self.column += 1;
        match value {
            Value::Null => {
                self.out.buffer().extend_from_slice(b"null");
                Ok(())
            }
            Value::Boolean(yes) => {
                self.out.buffer().extend_from_slice(if yes { b"true" } else { b"false" });
                Ok(())
            }
            Value::Integer(n) => self.integer(codec, n),
            Value::Float(n) => {
                scalar::float(self.out.buffer(), n);
                Ok(())
            }
            Value::Double(n) => self.double(codec, n),
            Value::Plain(text) => {
                scalar::quoted(self.out.buffer(), text);
                Ok(())
            }
            Value::Text(bytes) => self.text(codec, bytes),
            Value::Blob(bytes) => self.blob(codec, bytes),
        }
    }

    fn end_row(&mut self) -> Result<(), Stopped> {
        if self.columns.is_empty() {
            self.out.buffer().extend_from_slice(if self.records > 0 { b",\n{" } else { b"{" });
        }
        self.out.buffer().push(b'}');
        self.column = 0;
        self.records += 1;
        if self.records.is_multiple_of(REPORT_EVERY) {
            self.meter.add_records(REPORT_EVERY);
        }
        self.out.flush_if_full()
    }
}
