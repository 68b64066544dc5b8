//! The lines that are the same in every file, and the two that are worked out.

use crate::model::manifest::Integrity;

pub const METADATA_OPEN: &str = "{\"metadata\":\n";
/// Pretty-printed metadata ends with `}`; this stands for that line as a whole.
pub(super) const METADATA_CLOSE: &[u8] = b"},";
pub const DATA_OPEN: &str = ",\n\"data\":{\n";
pub(super) const DATA_OPEN_LINE: &[u8] = b"\"data\":{";
pub const TABLE_CLOSE: &str = "],\n";
pub const TABLE_CLOSE_LAST: &str = "]\n";
pub const DATA_CLOSE: &str = "},\n";
pub(super) const DATA_CLOSE_LINE: &[u8] = b"},";

/// `"companies":[` and the end of its line.
#[must_use]
pub fn table_open(name: &str) -> String {
    format!("{}:[\n", json_string(name))
}

/// The name in a table's opening line, if it is one.
pub(super) fn table_name(line: &[u8]) -> Option<String> {
    serde_json::from_str(std::str::from_utf8(line).ok()?.strip_suffix(":[")?).ok()
}

/// The one form in which this seal may stand at the end of a file.
pub(super) fn seal_line(integrity: &Integrity) -> Vec<u8> {
    let mut line = b"\"integrity\":".to_vec();
    serde_json::to_writer(&mut line, integrity).unwrap_or_else(|_| unreachable!("plain data into memory"));
    line.extend_from_slice(b"}\n");
    line
}

/// Reads a seal line back, to explain how it differs.
pub(super) fn parse_seal(line: &[u8]) -> Option<Integrity> {
    let inner = std::str::from_utf8(line).ok()?.strip_prefix("\"integrity\":")?.strip_suffix("}\n")?;
    serde_json::from_str(inner).ok()
}

fn json_string(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_else(|_| unreachable!("a string is always JSON"))
}
