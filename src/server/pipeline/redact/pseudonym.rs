//! Pseudonymises values: the same value and key always give the same replacement, of the same type. Text that
//! does not parse as its column's type is replaced too; only empty values, infinities and NaN stay.

use std::io::Write;

use super::column_type::{ColumnType, is_date, is_decimal, is_digits_and_punctuation, is_uuid, truncate_chars};
use super::pseudonym_date::pseudonymise_date;
use super::pseudonym_key::PseudonymKey;
use super::pseudonym_number::{pseudonymise_digits, pseudonymise_double};
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
        let bytes = key.hmac("uuid", plain.to_ascii_lowercase().as_bytes()).as_chunks().0[0];
        // Version 8: "custom" (RFC 9562, section 5.8).
        let _ = write!(out, "{}", uuid::Builder::from_custom_bytes(bytes).into_uuid());
    } else if plain.contains('@') && !plain.contains(' ') && kind.max_chars >= 34 {
        out.extend_from_slice(hex::encode(&key.hmac("email", plain.as_bytes())[..8]).as_bytes());
        out.extend_from_slice(b"@pseudonym.invalid");
    } else if is_date(plain) {
        pseudonymise_date(plain, ColumnType { codec: Codec::Date, ..kind }, key, out);
    } else if is_digits_and_punctuation(plain) {
        pseudonymise_digits(plain, key, out);
    } else {
        if kind.max_chars >= 18 {
            out.extend_from_slice(b"p-");
        }
        out.extend_from_slice(hex::encode(&key.hmac("text", plain.as_bytes())[..8]).as_bytes());
        truncate_chars(out, kind.max_chars);
    }
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
