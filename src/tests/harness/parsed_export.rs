//! Reads an export as a third-party program would, sharing no code with the writer.

use std::collections::BTreeMap;

use serde_json::Value;

/// A parsed export.
pub struct ParsedExport {
    pub metadata: Value,
    pub data: BTreeMap<String, Vec<Value>>,
    pub integrity: Value,
}

/// Parses a file as the file is not one JSON document.
pub fn parse_export(bytes: &[u8]) -> ParsedExport {
    let mut whole: Value = serde_json::from_slice(bytes).expect("the file is not one JSON document");
    let mut take = |part: &str| whole[part].take();
    let (metadata, data, integrity) = (take("metadata"), take("data"), take("integrity"));
    ParsedExport { metadata, data: serde_json::from_value(data).unwrap(), integrity }
}

/// Returns the file with `change` applied to the first line that contains `containing`.
pub fn with_line_changed(bytes: &[u8], containing: &str, change: impl Fn(&str) -> String) -> Vec<u8> {
    let text = std::str::from_utf8(bytes).unwrap();
    let mut done = false;
    let lines = text.split_inclusive('\n').map(|line| {
        if !done && line.contains(containing) {
            done = true;
            change(line)
        } else {
            line.to_owned()
        }
    });
    let changed: String = lines.collect();
    assert!(done, "no line contains {containing}");
    changed.into_bytes()
}
