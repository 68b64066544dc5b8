//! Recognises secrets in JSON values, under any key and at any depth.

use serde_json::Value;

use super::secret_name::is_secret_name;
use super::value::{ValueKind, classify_plain};

/// Maximum depth inspected; a deeper value is opaque, so its column is left out.
const MAX_DEPTH: usize = 32;

/// Returns the kind of a value: of a JSON object or array by what it contains. `text` is trimmed and not empty.
pub fn classify(text: &str) -> ValueKind {
    let parsed = if text.starts_with(['{', '[']) { serde_json::from_str(text).ok() } else { None };
    parsed.map_or_else(|| classify_plain(text), |value| classify_value(&value, 0))
}

fn classify_value(value: &Value, depth: usize) -> ValueKind {
    match value {
        _ if depth > MAX_DEPTH => ValueKind::Opaque,
        Value::Null | Value::Bool(_) | Value::Number(_) => ValueKind::Readable,
        Value::String(text) => match text.trim() {
            "" => ValueKind::Readable,
            text => classify_string(text),
        },
        Value::Array(items) if is_list_of_codes(items) => ValueKind::Opaque,
        Value::Array(items) => strictest(items.iter().map(|item| classify_value(item, depth + 1))),
        Value::Object(fields) => strictest(fields.iter().map(|(name, value)| {
            if is_secret_field(name, value) {
                ValueKind::Secret("values are JSON with a key named like a secret")
            } else if is_reference(name, value) {
                ValueKind::Readable
            } else {
                classify_value(value, depth + 1)
            }
        })),
    }
}

/// Two or more strings of digits, or of letters and digits: backup codes are stored like this.
fn is_list_of_codes(items: &[Value]) -> bool {
    let is_code =
        |item: &Value| item.as_str().is_some_and(|text| matches!(classify(text), ValueKind::Digits | ValueKind::Code));
    items.len() >= 2 && items.iter().all(is_code)
}

/// Inside JSON, a card number counts as opaque; UUIDs, digits, codes and contact data count as readable.
fn classify_string(text: &str) -> ValueKind {
    match classify(text) {
        ValueKind::CardNumber => ValueKind::Opaque,
        ValueKind::Uuid
        | ValueKind::Digits
        | ValueKind::Code
        | ValueKind::Email
        | ValueKind::Phone
        | ValueKind::IpAddress => ValueKind::Readable,
        kind => kind,
    }
}

/// Whether a key with a secret's name has a value. Switches and labels (`"passwordLogin": true`,
/// `"password": "Password"`) do not count.
fn is_secret_field(name: &str, value: &Value) -> bool {
    let has_value = match value {
        Value::String(text) => {
            let is_label = text.contains(' ') && text.chars().all(|c| c.is_alphabetic() || " .,!?'’-:…".contains(c))
                || text.to_lowercase() == name.to_lowercase() && text.starts_with(char::is_uppercase);
            !text.trim().is_empty() && !is_label
        }
        Value::Number(_) => true,
        Value::Array(items) => items.iter().any(|item| item.is_string() || item.is_number()),
        _ => false,
    };
    has_value && is_secret_name(name, value.as_str().unwrap_or_default())
}

/// Whether the field is the key of a record: `"incident_id": "i000000001m2qh"`.
fn is_reference(name: &str, value: &Value) -> bool {
    let refers = name == "id" || name.ends_with("_id") || name.ends_with("Id");
    let is_short =
        value.as_str().is_some_and(|text| text.len() <= 40 && !matches!(classify(text), ValueKind::Secret(_)));
    refers && is_short
}

fn strictest(kinds: impl Iterator<Item = ValueKind>) -> ValueKind {
    let rank = |kind: &ValueKind| match kind {
        ValueKind::Secret(_) => 2,
        ValueKind::Opaque => 1,
        _ => 0,
    };
    kinds.max_by_key(rank).unwrap_or(ValueKind::Readable)
}
