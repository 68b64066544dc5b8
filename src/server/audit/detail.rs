//! An entry's details, as people read them.

use serde_json::Value;

/// Formats the detail's fields for display.
#[must_use]
pub fn format_detail(detail: &str) -> String {
    let Ok(Value::Object(fields)) = serde_json::from_str(detail) else { return detail.to_owned() };
    let shown = fields.iter().filter(|(_, value)| !value.is_null());
    let shown = shown.map(|(name, value)| match value {
        Value::String(text) => format!("{name} {text}"),
        // Of an export only the record count: the history shows its sizes, digest and deviations.
        Value::Object(summary) => match (summary.get("records"), summary.get("event").and_then(Value::as_str)) {
            (Some(records), _) => format!("{records} records"),
            (None, Some(event)) => event.replace('_', " "),
            (None, None) => format!("{name} {value}"),
        },
        value => format!("{name} {value}"),
    });
    shown.collect::<Vec<_>>().join(", ")
}
