//! Masks values: hides all but a part, without a key, so that the same value is always masked the same. Values
//! with no part that may be shown are hidden completely.

use super::{Kind, fit, is_date, is_digits, is_uuid};
use crate::model::catalog::Codec;
use crate::server::rows::Value;

pub fn value<'a>(value: Value<'_>, kind: Kind, text: &'a mut Vec<u8>) -> Value<'a> {
    match value {
        // Even one digit may be the complete number.
        Value::Integer(_) => Value::Integer(0),
        Value::Float(_) => Value::Float(0.0),
        Value::Double(_) => Value::Double(0.0),
        Value::Blob(_) => Value::Blob(b""),
        Value::Text(bytes) | Value::Plain(bytes) => {
            let Ok(plain) = std::str::from_utf8(bytes) else { return Value::Null };
            match kind.codec {
                Codec::Date | Codec::Timestamp => {
                    let day = plain.get(..10).filter(|day| is_date(day) && !plain.ends_with("BC"));
                    let Some(day) = day else { return Value::Null };
                    start_of_year(day, kind, text);
                }
                Codec::Decimal if super::is_number(plain) => text.push(b'0'),
                Codec::Decimal | Codec::Json => return Value::Null,
                // A few of its digits would be enough to identify it.
                _ if is_uuid(plain) => text.extend_from_slice(b"00000000-0000-0000-0000-000000000000"),
                _ => {
                    masked_text(plain, text);
                    fit(text, kind.longest);
                }
            }
            Value::Text(text)
        }
        Value::Null | Value::Boolean(_) => Value::Null,
    }
}

/// Writes `A***`, `a***@masked.invalid`, or the last two digits of a telephone number.
fn masked_text(plain: &str, out: &mut Vec<u8>) {
    let Some(first) = plain.chars().next() else { return };
    if is_digits(plain) {
        let digits = plain.bytes().filter(u8::is_ascii_digit).count();
        let shown = if digits > 4 { 2 } else { 0 };
        let mut left = digits;
        for byte in plain.bytes() {
            left -= usize::from(byte.is_ascii_digit());
            out.push(if byte.is_ascii_digit() && left >= shown { b'*' } else { byte });
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

fn start_of_year(day: &str, kind: Kind, out: &mut Vec<u8>) {
    out.extend_from_slice(&day.as_bytes()[..4]);
    out.extend_from_slice(b"-01-01");
    if kind.codec == Codec::Timestamp {
        out.extend_from_slice(if kind.zoned { b"T00:00:00Z" } else { b"T00:00:00" });
    }
}
