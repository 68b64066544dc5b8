//! Replaces a value by another of its kind, the same for the same value and key.

use std::io::Write;

use super::mask::is_uuid;
use super::{Key, Kind, fit, inside_json};
use crate::model::catalog::Codec;
use crate::server::rows::Value;

#[expect(clippy::cast_possible_truncation, reason = "back to the precision it came with")]
pub fn value<'a>(value: Value<'_>, kind: Kind, key: &Key, text: &'a mut Vec<u8>) -> Value<'a> {
    match value {
        Value::Integer(n) => Value::Integer(key.integer(n)),
        Value::Float(n) => {
            double(n.into(), key, text);
            Value::Float(parsed(text) as f32)
        }
        Value::Double(n) => {
            double(n, key, text);
            Value::Double(parsed(text))
        }
        Value::Blob(bytes) => {
            text.extend_from_slice(&key.bytes("bytes", bytes)[..bytes.len().min(32)]);
            Value::Blob(text)
        }
        Value::Text(json) if kind.codec == Codec::Json => {
            inside_json(json, text, &|plain, out| any_text(plain, key, out));
            Value::Text(text)
        }
        Value::Text(bytes) | Value::Plain(bytes) => {
            let Ok(plain) = std::str::from_utf8(bytes) else { return Value::Null };
            match kind.codec {
                Codec::Date | Codec::Timestamp => date(plain, key, text),
                Codec::Decimal => digits(plain, key, text),
                _ => {
                    any_text(plain, key, text);
                    fit(text, kind.longest);
                }
            }
            Value::Text(text)
        }
        Value::Null | Value::Boolean(_) => Value::Null,
    }
}

fn any_text(plain: &str, key: &Key, out: &mut Vec<u8>) {
    let has_digits = plain.bytes().any(|c| c.is_ascii_digit());
    let looks_like_date = plain.len() >= 10 && plain.is_char_boundary(10) && is_date(&plain[..10]);
    match () {
        () if plain.is_empty() => {}
        () if is_uuid(plain) => {
            let bytes = *key.bytes("uuid", plain.to_ascii_lowercase().as_bytes()).first_chunk().unwrap_or(&[0; 16]);
            // Version 8: "custom" (RFC 9562, section 5.8).
            let _ = write!(out, "{}", uuid::Builder::from_custom_bytes(bytes).into_uuid());
        }
        () if plain.contains('@') && !plain.contains(' ') => {
            hex(&key.bytes("email", plain.as_bytes())[..8], out);
            out.extend_from_slice(b"@pseudonym.invalid");
        }
        () if looks_like_date => {
            date(&plain[..10], key, out);
            out.extend_from_slice(&plain.as_bytes()[10..]);
        }
        () if has_digits && plain.chars().all(|c| c.is_ascii_digit() || "+ ()-/.".contains(c)) => {
            digits(plain, key, out);
        }
        () => {
            out.extend_from_slice(b"p-");
            hex(&key.bytes("text", plain.as_bytes())[..8], out);
        }
    }
}

fn hex(bytes: &[u8], out: &mut Vec<u8>) {
    for byte in bytes {
        let _ = write!(out, "{byte:02x}");
    }
}

fn is_date(text: &str) -> bool {
    text.bytes().enumerate().all(|(at, byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() })
}

/// Some day of the century around 2000; the time of day goes, what is no plain date stays.
fn date(plain: &str, key: &Key, out: &mut Vec<u8>) {
    if plain.len() < 10 || !is_date(&plain[..10]) {
        return out.extend_from_slice(plain.as_bytes());
    }
    let bytes = key.bytes("date", &plain.as_bytes()[..10]);
    let days = u32::from_be_bytes(*bytes.first_chunk().unwrap_or(&[0; 4])) % 36_525;
    let day = chrono::NaiveDate::from_ymd_opt(1950, 1, 1).unwrap_or_default() + chrono::TimeDelta::days(days.into());
    let _ = write!(out, "{}", day.format("%Y-%m-%d"));
    if plain.len() > 10 {
        out.extend_from_slice(if plain.ends_with('Z') { b"T00:00:00Z" } else { b"T00:00:00" });
    }
}

/// Other digits in the same places, none becoming a leading zero.
fn digits(plain: &str, key: &Key, out: &mut Vec<u8>) {
    let (mut stream, mut used) = (key.bytes("digits", plain.as_bytes()), 0);
    let mut first = true;
    for byte in plain.bytes() {
        if !byte.is_ascii_digit() {
            out.push(byte);
            continue;
        }
        if used == stream.len() {
            (stream, used) = (key.bytes("more digits", &stream), 0);
        }
        let keyed = stream[used];
        used += 1;
        let zero_stays = byte == b'0' && first;
        out.push(match (zero_stays, first) {
            (true, _) => b'0',
            (_, true) => b'1' + keyed % 9,
            _ => b'0' + keyed % 10,
        });
        first &= zero_stays;
    }
}

fn double(n: f64, key: &Key, text: &mut Vec<u8>) {
    let mut shortest = zmij::Buffer::new();
    let shown = shortest.format(n);
    // The exponent keeps the size.
    let (mantissa, exponent) = shown.split_once('e').unwrap_or((shown, ""));
    digits(mantissa, key, text);
    if !exponent.is_empty() {
        let _ = write!(text, "e{exponent}");
    }
}

fn parsed(text: &[u8]) -> f64 {
    std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).unwrap_or(0.0)
}
