//! Recognises secrets in JSON values, under any key and at any depth.

use serde_json::Value;

use super::value::{Sign, names_a_secret, sign as sign_of_text};

/// Maximum depth inspected; a deeper value is opaque, so its column is left out.
const DEEPEST: usize = 32;

/// The kind of a JSON object or array; `None` for any other text.
pub fn sign(text: &str) -> Option<Sign> {
    if !text.starts_with(['{', '[']) {
        return None;
    }
    let value: Value = serde_json::from_str(text).ok()?;
    Some(of_value(&value, 0))
}

fn of_value(value: &Value, depth: usize) -> Sign {
    match value {
        _ if depth > DEEPEST => Sign::Opaque,
        Value::Null | Value::Bool(_) | Value::Number(_) => Sign::Readable,
        Value::String(text) => match text.trim() {
            "" => Sign::Readable,
            text => of_text(text),
        },
        Value::Array(items) if is_list_of_codes(items) => Sign::Opaque,
        Value::Array(items) => worst(items.iter().map(|item| of_value(item, depth + 1))),
        Value::Object(fields) => worst(fields.iter().map(|(name, value)| {
            if is_set_secret(name, value) {
                Sign::Secret("values are JSON with a secret's name in it")
            } else if is_key(name, value) {
                Sign::Readable
            } else {
                of_value(value, depth + 1)
            }
        })),
    }
}

/// Two or more strings of digits, or of letters and digits: backup codes are stored like this.
fn is_list_of_codes(items: &[Value]) -> bool {
    let is_code =
        |item: &Value| item.as_str().is_some_and(|text| matches!(sign_of_text(text), Sign::Digits | Sign::Code));
    items.len() >= 2 && items.iter().all(is_code)
}

/// Inside JSON, a card number counts as opaque; UUIDs, digits, codes and contact data count as readable.
fn of_text(text: &str) -> Sign {
    match sign_of_text(text) {
        Sign::CardNumber => Sign::Opaque,
        Sign::Uuid | Sign::Digits | Sign::Code | Sign::Email | Sign::Phone | Sign::IpAddress => Sign::Readable,
        sign => sign,
    }
}

/// Whether a key with a secret's name has a value. Switches and labels (`"passwordLogin": true`,
/// `"password": "Password"`) do not count.
fn is_set_secret(name: &str, value: &Value) -> bool {
    let holds = match value {
        Value::String(text) => {
            let is_label = text.contains(' ') && text.chars().all(|c| c.is_alphabetic() || " .,!?'’-:…".contains(c))
                || text.to_lowercase() == name.to_lowercase() && text.starts_with(char::is_uppercase);
            !text.trim().is_empty() && !is_label
        }
        Value::Number(_) => true,
        Value::Array(items) => items.iter().any(|item| item.is_string() || item.is_number()),
        _ => false,
    };
    holds && names_a_secret(name, value.as_str().unwrap_or_default())
}

/// Whether the field is the key of a record: `"incident_id": "i000000001m2qh"`.
fn is_key(name: &str, value: &Value) -> bool {
    let refers = name == "id" || name.ends_with("_id") || name.ends_with("Id");
    let is_short =
        value.as_str().is_some_and(|text| text.len() <= 40 && !matches!(sign_of_text(text), Sign::Secret(_)));
    refers && is_short
}

fn worst(signs: impl Iterator<Item = Sign>) -> Sign {
    let rank = |sign: &Sign| match sign {
        Sign::Secret(_) => 2,
        Sign::Opaque => 1,
        _ => 0,
    };
    signs.max_by_key(rank).unwrap_or(Sign::Readable)
}
