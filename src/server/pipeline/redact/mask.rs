//! Hides part of a value, without a key: the same value is always masked the same.

use super::{Kind, fit, inside_json};
use crate::model::catalog::Codec;
use crate::server::rows::Value;

#[expect(clippy::cast_possible_truncation, reason = "back to the precision it came with")]
pub fn value<'a>(value: Value<'_>, kind: Kind, text: &'a mut Vec<u8>) -> Value<'a> {
    match value {
        Value::Integer(n) => Value::Integer(leading_digit(n)),
        Value::Float(n) => Value::Float(first_digit_of(n.into()) as f32),
        Value::Double(n) => Value::Double(first_digit_of(n)),
        Value::Blob(_) => Value::Blob(b""),
        Value::Text(json) if kind.codec == Codec::Json => {
            inside_json(json, text, &masked_text);
            Value::Text(text)
        }
        Value::Text(bytes) | Value::Plain(bytes) => {
            let Ok(plain) = std::str::from_utf8(bytes) else { return Value::Null };
            match kind.codec {
                Codec::Date | Codec::Timestamp => start_of_year(plain, kind.codec, text),
                Codec::Decimal => zeros_after_first(plain, text),
                _ if is_uuid(plain) => {
                    text.extend_from_slice(b"00000000-0000-0000-0000-0000");
                    text.extend_from_slice(&bytes[28..]);
                }
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

fn leading_digit(n: i64) -> i64 {
    let mut power = 1_i64;
    while n / power >= 10 || n / power <= -10 {
        power *= 10;
    }
    n / power * power
}

#[expect(clippy::cast_possible_truncation, reason = "a power of ten of a finite double")]
fn first_digit_of(n: f64) -> f64 {
    if n == 0.0 || !n.is_finite() {
        return n;
    }
    let power = 10_f64.powi(n.abs().log10().floor() as i32);
    (n / power).trunc() * power
}

/// `A***`, `a***@masked.invalid`, and of a phone number the last two digits.
pub fn masked_text(plain: &str, out: &mut Vec<u8>) {
    let Some(first) = plain.chars().next() else { return };
    let digits = plain.bytes().filter(u8::is_ascii_digit).count();
    if digits > 0 && plain.chars().all(|c| c.is_ascii_digit() || "+ ()-/.".contains(c)) {
        let mut left = digits;
        for c in plain.bytes() {
            left -= usize::from(c.is_ascii_digit());
            let shown = !c.is_ascii_digit() || if digits > 4 { left < 2 } else { left + 1 == digits };
            out.push(if shown { c } else { b'*' });
        }
        return;
    }
    out.extend_from_slice(first.encode_utf8(&mut [0; 4]).as_bytes());
    out.extend_from_slice(b"***");
    if plain.contains('@') && !plain.contains(' ') {
        out.extend_from_slice(b"@masked.invalid");
    }
}

fn start_of_year(plain: &str, codec: Codec, out: &mut Vec<u8>) {
    let Some((year, _)) = plain.split_once('-').filter(|(year, _)| year.len() == 4) else {
        return out.extend_from_slice(plain.as_bytes());
    };
    out.extend_from_slice(year.as_bytes());
    out.extend_from_slice(b"-01-01");
    if codec == Codec::Timestamp {
        out.extend_from_slice(if plain.ends_with('Z') { b"T00:00:00Z" } else { b"T00:00:00" });
    }
}

fn zeros_after_first(plain: &str, out: &mut Vec<u8>) {
    let mut seen = false;
    for byte in plain.bytes() {
        out.push(if byte.is_ascii_digit() && seen { b'0' } else { byte });
        seen |= (b'1'..=b'9').contains(&byte);
    }
}

pub fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}
