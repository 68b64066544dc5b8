//! Rows in the text format of PostgreSQL's `COPY` (PostgreSQL manual, COPY, "Text Format").

use chrono::{DateTime, Datelike, Timelike};
use uuid::Uuid;

/// Rows that are collected until they are sent.
#[derive(Debug, Default)]
pub struct CopyText {
    bytes: Vec<u8>,
    is_row_begun: bool,
}

/// A value of a column.
pub trait CopyValue {
    fn write_to(&self, rows: &mut CopyText);
}

/// A time in microseconds since 1970-01-01 UTC, for columns with and without a time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(pub i64);

impl CopyText {
    /// Appends a row.
    pub fn write_row(&mut self, values: &[&dyn CopyValue]) {
        for value in values {
            self.write_value(*value);
        }
        self.end_row();
    }

    /// Appends a value to the row that is begun, or begins one.
    pub fn write_value(&mut self, value: &dyn CopyValue) {
        self.begin_value();
        value.write_to(self);
    }

    /// Begins a value whose text follows, in pieces.
    pub fn begin_value(&mut self) {
        if std::mem::replace(&mut self.is_row_begun, true) {
            self.bytes.push(b'\t');
        }
    }

    pub fn end_row(&mut self) {
        self.is_row_begun = false;
        self.bytes.push(b'\n');
    }

    /// The rows so far.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Writes the text of a value.
    pub fn write_text(&mut self, mut text: &[u8]) {
        let is_special = |byte: &u8| matches!(byte, b'\\' | b'\n' | b'\r' | b'\t');
        while let Some(at) = text.iter().position(is_special) {
            self.bytes.extend_from_slice(&text[..at]);
            self.bytes.extend_from_slice(match text[at] {
                b'\n' => b"\\n",
                b'\r' => b"\\r",
                b'\t' => b"\\t",
                _ => b"\\\\",
            });
            text = &text[at + 1..];
        }
        self.bytes.extend_from_slice(text);
    }

    fn write_digits(&mut self, number: u32, digits: u32) {
        for place in (0..digits).rev() {
            let digit = number / 10_u32.pow(place) % 10;
            self.bytes.push(b'0' + u8::try_from(digit).unwrap_or_default());
        }
    }
}

impl CopyValue for str {
    fn write_to(&self, rows: &mut CopyText) {
        rows.write_text(self.as_bytes());
    }
}

impl CopyValue for String {
    fn write_to(&self, rows: &mut CopyText) {
        self.as_str().write_to(rows);
    }
}

impl<T: CopyValue + ?Sized> CopyValue for &T {
    fn write_to(&self, rows: &mut CopyText) {
        (**self).write_to(rows);
    }
}

impl<T: CopyValue> CopyValue for Option<T> {
    fn write_to(&self, rows: &mut CopyText) {
        match self {
            Some(value) => value.write_to(rows),
            None => rows.bytes.extend_from_slice(b"\\N"),
        }
    }
}

impl CopyValue for i64 {
    fn write_to(&self, rows: &mut CopyText) {
        rows.bytes.extend_from_slice(itoa::Buffer::new().format(*self).as_bytes());
    }
}

impl CopyValue for u64 {
    fn write_to(&self, rows: &mut CopyText) {
        rows.bytes.extend_from_slice(itoa::Buffer::new().format(*self).as_bytes());
    }
}

impl CopyValue for f64 {
    fn write_to(&self, rows: &mut CopyText) {
        rows.bytes.extend_from_slice(zmij::Buffer::new().format(*self).as_bytes());
    }
}

impl CopyValue for bool {
    fn write_to(&self, rows: &mut CopyText) {
        rows.bytes.push(if *self { b't' } else { b'f' });
    }
}

impl CopyValue for Uuid {
    fn write_to(&self, rows: &mut CopyText) {
        rows.bytes.extend_from_slice(self.hyphenated().encode_lower(&mut Uuid::encode_buffer()).as_bytes());
    }
}

impl CopyValue for Timestamp {
    /// For years from 0 to 9999.
    fn write_to(&self, rows: &mut CopyText) {
        let time = DateTime::from_timestamp_micros(self.0).unwrap_or_default();
        let parts = [
            (time.year().unsigned_abs(), 4, b'-'),
            (time.month(), 2, b'-'),
            (time.day(), 2, b' '),
            (time.hour(), 2, b':'),
            (time.minute(), 2, b':'),
            (time.second(), 2, b'.'),
        ];
        for (number, digits, then) in parts {
            rows.write_digits(number, digits);
            rows.bytes.push(then);
        }
        rows.write_digits(time.timestamp_subsec_micros(), 6);
        rows.bytes.extend_from_slice(b"+00");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_copy_reads_them() {
        let mut rows = CopyText::default();
        rows.write_row(&[&"a\tb\nc\\d\r", &None::<String>, &-7_i64, &0.5, &true, &Some(Uuid::from_u128(1))]);
        rows.write_row(&[&Timestamp(1_736_121_600_000_007), &Timestamp(-1)]);
        let expected = "a\\tb\\nc\\\\d\\r\t\\N\t-7\t0.5\tt\t00000000-0000-0000-0000-000000000001\n\
                        2025-01-06 00:00:00.000007+00\t1969-12-31 23:59:59.999999+00\n";
        assert_eq!(std::str::from_utf8(rows.as_bytes()).unwrap(), expected);
        rows.clear();
        assert_eq!(rows.as_bytes(), b"");
    }
}
