//! Masks values: hides all but a part, without a key, so that the same value is always masked the same. Values
//! with no part that may be shown are hidden completely.

use super::column_type::{ColumnType, is_date, is_decimal, is_digits_and_punctuation, is_uuid, truncate_chars};
use crate::model::catalog::Codec;
use crate::server::rows::Value;

pub fn mask_value<'a>(value: Value<'_>, column_type: ColumnType, buffer: &'a mut Vec<u8>) -> Value<'a> {
    match value {
        // Even one digit may be the complete number.
        Value::Integer(_) => Value::Integer(0),
        Value::Float(_) => Value::Float(0.0),
        Value::Double(_) => Value::Double(0.0),
        Value::Blob(_) => Value::Blob(b""),
        Value::Text(bytes) | Value::SafeAscii(bytes) => {
            let Ok(plain) = std::str::from_utf8(bytes) else { return Value::Null };
            match column_type.codec {
                Codec::Date | Codec::Timestamp => {
                    let day = plain.get(..10).filter(|day| is_date(day) && !plain.ends_with("BC"));
                    let Some(day) = day else { return Value::Null };
                    write_start_of_year(day, column_type, buffer);
                }
                Codec::Decimal if is_decimal(plain) => buffer.push(b'0'),
                Codec::Decimal | Codec::Json => return Value::Null,
                // A few of its digits would be enough to identify it.
                _ if is_uuid(plain) => buffer.extend_from_slice(b"00000000-0000-0000-0000-000000000000"),
                _ => {
                    mask_text(plain, buffer);
                    truncate_chars(buffer, column_type.max_chars);
                }
            }
            Value::Text(buffer)
        }
        Value::Null | Value::Boolean(_) => Value::Null,
    }
}

/// Writes `A***`, `a***@masked.invalid`, or the last two digits of a telephone number.
fn mask_text(plain: &str, out: &mut Vec<u8>) {
    let Some(first) = plain.chars().next() else { return };
    if is_digits_and_punctuation(plain) {
        let digits = plain.bytes().filter(u8::is_ascii_digit).count();
        let shown = if digits > 4 { 2 } else { 0 };
        let mut remaining = digits;
        for byte in plain.bytes() {
            remaining -= usize::from(byte.is_ascii_digit());
            out.push(if byte.is_ascii_digit() && remaining >= shown { b'*' } else { byte });
        }
        return;
    }
    // The first letter of a short word would reveal most of it.
    if plain.chars().count() >= 4 {
        out.extend_from_slice(first.encode_utf8(&mut [0; 4]).as_bytes());
    }
    out.extend_from_slice(b"***");
    if plain.contains('@') && !plain.contains(' ') {
        out.extend_from_slice(b"@masked.invalid");
    }
}

fn write_start_of_year(day: &str, kind: ColumnType, out: &mut Vec<u8>) {
    out.extend_from_slice(&day.as_bytes()[..4]);
    out.extend_from_slice(b"-01-01");
    if kind.codec == Codec::Timestamp {
        out.extend_from_slice(if kind.has_time_zone { b"T00:00:00Z" } else { b"T00:00:00" });
    }
}
