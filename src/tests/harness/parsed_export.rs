//! Reads an export as a third-party program would, sharing no code with the writer.

use std::collections::BTreeMap;
use waybill::model::manifest::Metadata;
use waybill::seal::{DocumentWriter, layout};

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

/// The file with other metadata, under a new seal that nobody has signed.
pub fn sealed_again(bytes: &[u8], change: impl FnOnce(&mut Metadata)) -> Vec<u8> {
    let text = std::str::from_utf8(bytes).unwrap();
    let mut metadata: Metadata = serde_json::from_value(parse_export(bytes).metadata).unwrap();
    change(&mut metadata);
    let mut writer = DocumentWriter::begin(Vec::new(), &metadata, None).unwrap();
    for (table, records) in metadata.record_counts.iter() {
        let begins = text.find(&layout::table_opening(table)).unwrap();
        let content = &text[begins..];
        // Its own line, and one for each record.
        let lines = usize::try_from(*records).unwrap() + 1;
        let end = content.match_indices('\n').nth(lines - 1).unwrap().0 + 1;
        writer.write_table(&content.as_bytes()[..end]).unwrap();
        writer.end_table(table.clone(), *records).unwrap();
    }
    writer.finish().unwrap().0
}
