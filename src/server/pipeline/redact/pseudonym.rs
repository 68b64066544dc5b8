//! Pseudonymises values: the same value and key always give the same replacement, of the same type. Text that
//! does not parse as its column's type is replaced too; only empty values, infinities and NaN stay.

use std::io::Write;

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};

use super::column_type::{ColumnType, is_date, is_decimal, is_digits_and_punctuation, is_uuid, truncate_chars};
use super::pseudonym_key::PseudonymKey;
use crate::model::catalog::Codec;
use crate::server::rows::Value;

#[expect(clippy::cast_possible_truncation, reason = "back to the precision it came with")]
pub fn pseudonymise_value<'a>(
    value: Value<'_>,
    column_type: ColumnType,
    key: &PseudonymKey,
    buffer: &'a mut Vec<u8>,
) -> Value<'a> {
    match value {
        Value::Integer(n) => Value::Integer(key.permute_integer(n)),
        Value::Float(n) => Value::Float(pseudonymise_double(n.into(), key, buffer) as f32),
        Value::Double(n) => Value::Double(pseudonymise_double(n, key, buffer)),
        Value::Blob(bytes) => {
            pseudonymise_blob(bytes, key, buffer);
            Value::Blob(buffer)
        }
        Value::Text(bytes) | Value::SafeAscii(bytes) => {
            let Ok(plain) = std::str::from_utf8(bytes) else { return Value::Null };
            match column_type.codec {
                Codec::Date | Codec::Timestamp => pseudonymise_date(plain, column_type, key, buffer),
                Codec::Decimal if is_decimal(plain) => pseudonymise_digits(plain, key, buffer),
                // These carry no personal data.
                Codec::Decimal if matches!(plain, "NaN" | "Infinity" | "-Infinity") => buffer.extend_from_slice(bytes),
                Codec::Decimal | Codec::Json => return Value::Null,
                _ => pseudonymise_text(plain, column_type, key, buffer),
            }
            Value::Text(buffer)
        }
        Value::Null | Value::Boolean(_) => Value::Null,
    }
}

fn pseudonymise_text(plain: &str, kind: ColumnType, key: &PseudonymKey, out: &mut Vec<u8>) {
    if plain.is_empty() {
        return;
    }
    if is_uuid(plain) {
        let bytes = *key.hmac("uuid", plain.to_ascii_lowercase().as_bytes()).first_chunk().unwrap_or(&[0; 16]);
        // Version 8: "custom" (RFC 9562, section 5.8).
        let _ = write!(out, "{}", uuid::Builder::from_custom_bytes(bytes).into_uuid());
    } else if plain.contains('@') && !plain.contains(' ') && kind.max_chars >= 34 {
        write_hex(&key.hmac("email", plain.as_bytes())[..8], out);
        out.extend_from_slice(b"@pseudonym.invalid");
    } else if is_date(plain) {
        pseudonymise_date(plain, ColumnType { codec: Codec::Date, ..kind }, key, out);
    } else if is_digits_and_punctuation(plain) {
        pseudonymise_digits(plain, key, out);
    } else {
        if kind.max_chars >= 18 {
            out.extend_from_slice(b"p-");
        }
        write_hex(&key.hmac("text", plain.as_bytes())[..8], out);
        truncate_chars(out, kind.max_chars);
    }
}

fn write_hex(bytes: &[u8], out: &mut Vec<u8>) {
    for byte in bytes {
        let _ = write!(out, "{byte:02x}");
    }
}

/// Days from 0001-01-01 to the first days of the years 1, 1900, 2100 and 10000: a pseudonym stays in its range.
const ERA_STARTS: [u64; 4] = [0, 693_595, 766_644, 3_652_059];
const SECONDS_PER_DAY: u64 = 86_400;
const MICROSECONDS_PER_DAY: u64 = 86_400_000_000;

/// Permutes dates by day and timestamps by second or microsecond, so that distinct values stay distinct.
/// Infinities carry no personal data and stay. Text that is not a date of the years 1 to 9999 is hashed to one.
fn pseudonymise_date(plain: &str, kind: ColumnType, key: &PseudonymKey, out: &mut Vec<u8>) {
    if matches!(plain, "infinity" | "-infinity") {
        return out.extend_from_slice(plain.as_bytes());
    }
    let is_timestamp = kind.codec == Codec::Timestamp;
    let units_per_day = if !is_timestamp {
        1
    } else if plain.contains('.') {
        MICROSECONDS_PER_DAY
    } else {
        SECONDS_PER_DAY
    };
    let microseconds_per_unit = MICROSECONDS_PER_DAY / units_per_day;
    let new = if let Some((day, microseconds)) = parse_timestamp(plain) {
        let era = ERA_STARTS.iter().rposition(|first| *first <= day).unwrap_or_default().min(ERA_STARTS.len() - 2);
        let [from, to] = [era, era + 1].map(|age| ERA_STARTS[age] * units_per_day);
        from + key.permute(day * units_per_day + microseconds / microseconds_per_unit - from, 0, to - from)
    } else {
        let bytes = key.hmac("date", plain.as_bytes());
        bytes.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes)) % (ERA_STARTS[3] * units_per_day)
    };
    let (day, microseconds) = (new / units_per_day, new % units_per_day * microseconds_per_unit);
    let days = i32::try_from(day + 1).unwrap_or(1);
    let midnight = NaiveDate::from_num_days_from_ce_opt(days).unwrap_or_default().and_time(NaiveTime::MIN);
    let new = midnight + TimeDelta::microseconds(microseconds.cast_signed());
    let format = match units_per_day {
        1 => "%Y-%m-%d",
        SECONDS_PER_DAY => "%Y-%m-%dT%H:%M:%S",
        _ => "%Y-%m-%dT%H:%M:%S%.6f",
    };
    let _ = write!(out, "{}", new.format(format));
    if is_timestamp && kind.has_time_zone {
        out.push(b'Z');
    }
}

/// Returns the days since 0001-01-01 and the microseconds since midnight.
fn parse_timestamp(plain: &str) -> Option<(u64, u64)> {
    let moment = if is_date(plain) {
        NaiveDate::parse_from_str(plain, "%Y-%m-%d").ok()?.and_time(NaiveTime::MIN)
    } else {
        let text = plain.strip_suffix('Z').unwrap_or(plain).replacen('T', " ", 1);
        NaiveDateTime::parse_from_str(&text, "%Y-%m-%d %H:%M:%S%.f").ok()?
    };
    let day = u64::try_from(moment.num_days_from_ce() - 1).ok().filter(|day| *day < ERA_STARTS[3])?;
    let since_midnight = moment.time().signed_duration_since(NaiveTime::MIN).num_microseconds()?;
    Some((day, u64::try_from(since_midnight).ok()?.min(MICROSECONDS_PER_DAY - 1)))
}

/// Blobs of less than 8 bytes are permuted among those of the same length, so that distinct values stay
/// distinct; longer ones are replaced by a keyed hash of at most 32 bytes.
fn pseudonymise_blob(bytes: &[u8], key: &PseudonymKey, out: &mut Vec<u8>) {
    if bytes.len() >= 8 {
        return out.extend_from_slice(&key.hmac("bytes", bytes)[..bytes.len().min(32)]);
    }
    let mut padded = [0; 8];
    padded[8 - bytes.len()..].copy_from_slice(bytes);
    let new = key.permute(u64::from_be_bytes(padded), 0, 1 << (8 * bytes.len()));
    out.extend_from_slice(&new.to_be_bytes()[8 - bytes.len()..]);
}

/// Replaces digits and keeps all other characters in place. Numbers of up to 18 digits (without leading zeros)
/// are permuted, so that distinct ones stay distinct.
fn pseudonymise_digits(plain: &str, key: &PseudonymKey, out: &mut Vec<u8>) {
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
        let mut stream = key.hmac("digits", rest).to_vec();
        while stream.len() < rest.len() {
            let more = key.hmac("more digits", &stream);
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

/// Replaces the mantissa's digits and keeps the exponent, and so the magnitude. Infinities and NaN carry no
/// personal data and stay.
fn pseudonymise_double(n: f64, key: &PseudonymKey, text: &mut Vec<u8>) -> f64 {
    if !n.is_finite() {
        return n;
    }
    let mut format_buffer = zmij::Buffer::new();
    let formatted = format_buffer.format_finite(n);
    let (mantissa, exponent) = formatted.split_once('e').unwrap_or((formatted, "0"));
    pseudonymise_digits(mantissa, key, text);
    let _ = write!(text, "e{exponent}");
    std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).filter(|n: &f64| n.is_finite()).unwrap_or(0.0)
}
