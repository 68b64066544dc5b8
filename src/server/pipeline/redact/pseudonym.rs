//! Replaces a value by another of its kind, the same for the same value and key. What does not look like
//! its kind is replaced all the same: nothing passes through.

use std::io::Write;

use super::{Key, Kind, fit, is_date, is_digits, is_number, is_uuid};
use crate::model::catalog::Codec;
use crate::server::rows::Value;

#[expect(clippy::cast_possible_truncation, reason = "back to the precision it came with")]
pub fn value<'a>(value: Value<'_>, kind: Kind, key: &Key, text: &'a mut Vec<u8>) -> Value<'a> {
    match value {
        Value::Integer(n) => Value::Integer(key.integer(n)),
        Value::Float(n) => Value::Float(double(n.into(), key, text) as f32),
        Value::Double(n) => Value::Double(double(n, key, text)),
        Value::Blob(bytes) => {
            text.extend_from_slice(&key.bytes("bytes", bytes)[..bytes.len().min(32)]);
            Value::Blob(text)
        }
        Value::Text(bytes) | Value::Plain(bytes) => {
            let Ok(plain) = std::str::from_utf8(bytes) else { return Value::Null };
            match kind.codec {
                Codec::Date | Codec::Timestamp => date(plain, kind, key, text),
                Codec::Decimal if is_number(plain) => digits(plain, key, text),
                Codec::Decimal | Codec::Json => return Value::Null,
                _ => any_text(plain, kind, key, text),
            }
            Value::Text(text)
        }
        Value::Null | Value::Boolean(_) => Value::Null,
    }
}

fn any_text(plain: &str, kind: Kind, key: &Key, out: &mut Vec<u8>) {
    match () {
        () if plain.is_empty() => {}
        () if is_uuid(plain) => {
            let bytes = *key.bytes("uuid", plain.to_ascii_lowercase().as_bytes()).first_chunk().unwrap_or(&[0; 16]);
            // Version 8: "custom" (RFC 9562, section 5.8).
            let _ = write!(out, "{}", uuid::Builder::from_custom_bytes(bytes).into_uuid());
        }
        () if plain.contains('@') && !plain.contains(' ') && kind.longest >= 34 => {
            hex(&key.bytes("email", plain.as_bytes())[..8], out);
            out.extend_from_slice(b"@pseudonym.invalid");
        }
        () if is_date(plain) => date(plain, Kind { codec: Codec::Date, ..kind }, key, out),
        () if is_digits(plain) => digits(plain, key, out),
        () => {
            if kind.longest >= 18 {
                out.extend_from_slice(b"p-");
            }
            hex(&key.bytes("text", plain.as_bytes())[..8], out);
            fit(out, kind.longest);
        }
    }
}

fn hex(bytes: &[u8], out: &mut Vec<u8>) {
    for byte in bytes {
        let _ = write!(out, "{byte:02x}");
    }
}

/// Some day of the century around 2000; the time of day goes.
fn date(plain: &str, kind: Kind, key: &Key, out: &mut Vec<u8>) {
    let day = plain.get(..10).filter(|day| is_date(day)).unwrap_or(plain);
    let bytes = key.bytes("date", day.as_bytes());
    let days = u32::from_be_bytes(*bytes.first_chunk().unwrap_or(&[0; 4])) % 36_525;
    let day = chrono::NaiveDate::from_ymd_opt(1950, 1, 1).unwrap_or_default() + chrono::TimeDelta::days(days.into());
    let _ = write!(out, "{}", day.format("%Y-%m-%d"));
    if kind.codec == Codec::Timestamp {
        out.extend_from_slice(if kind.zoned { b"T00:00:00Z" } else { b"T00:00:00" });
    }
}

/// Other digits in the same places. Up to 18 of them are permuted, so that two numbers never become one.
fn digits(plain: &str, key: &Key, out: &mut Vec<u8>) {
    let all: Vec<u8> = plain.bytes().filter(u8::is_ascii_digit).collect();
    let leading = all.iter().take_while(|digit| **digit == b'0').count().min(all.len() - 1);
    let rest = &all[leading..];
    let number = std::str::from_utf8(rest).ok().filter(|_| rest.len() <= 18).and_then(|digits| digits.parse().ok());
    let mut new = all[..leading].to_vec();
    if let Some(number) = number {
        let from = if rest.len() == 1 { 0 } else { 10_u64.pow(u32::try_from(rest.len() - 1).unwrap_or_default()) };
        let to = 10_u64.pow(u32::try_from(rest.len()).unwrap_or_default());
        new.extend_from_slice(key.permute(number, from, to).to_string().as_bytes());
    } else {
        let mut stream = key.bytes("digits", rest).to_vec();
        while stream.len() < rest.len() {
            let more = key.bytes("more digits", &stream);
            stream.extend_from_slice(&more);
        }
        new.extend(stream.iter().take(rest.len()).enumerate().map(|(at, byte)| match at {
            0 => b'1' + byte % 9,
            _ => b'0' + byte % 10,
        }));
    }
    let mut new = new.into_iter();
    out.extend(plain.bytes().map(|byte| if byte.is_ascii_digit() { new.next().unwrap_or(byte) } else { byte }));
}

/// The mantissa's digits change, the exponent keeps the size. Infinity and NaN become 0.
fn double(n: f64, key: &Key, text: &mut Vec<u8>) -> f64 {
    if !n.is_finite() {
        return 0.0;
    }
    let mut shortest = zmij::Buffer::new();
    let shown = shortest.format_finite(n);
    let (mantissa, exponent) = shown.split_once('e').unwrap_or((shown, "0"));
    digits(mantissa, key, text);
    let _ = write!(text, "e{exponent}");
    std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).filter(|n: &f64| n.is_finite()).unwrap_or(0.0)
}
