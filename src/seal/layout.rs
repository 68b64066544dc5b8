//! The fixed lines of a file, and the functions that write and parse the computed ones.

use crate::model::manifest::{Integrity, Signature};

pub const METADATA_OPEN: &str = "{\"metadata\":\n";
/// Last line of the metadata: the `}` of its pretty-printed object and the comma of `DATA_OPEN`.
pub(super) const METADATA_CLOSE: &[u8] = b"},";
pub const DATA_OPEN: &str = ",\n\"data\":{\n";
pub(super) const DATA_OPEN_LINE: &[u8] = b"\"data\":{";
pub const TABLE_CLOSE: &str = "],\n";
pub const TABLE_CLOSE_LAST: &str = "]\n";
pub const DATA_CLOSE: &str = "},\n";
pub(super) const DATA_CLOSE_LINE: &[u8] = b"},";

const SEAL_OPEN: &str = "\"integrity\":";
const SEAL_CLOSE: &str = "}}\n";

/// Returns a table's opening line: `"companies":[` and the newline.
#[must_use]
pub fn table_opening(name: &str) -> String {
    format!("{}:[\n", json_string(name))
}

/// Returns the bytes before a record's value in the column at index `index`: `{"id":` or `,"name":`.
#[must_use]
pub fn field_prefix(index: usize, name: &str) -> Vec<u8> {
    format!("{}{}:", if index == 0 { '{' } else { ',' }, json_string(name)).into_bytes()
}

/// Parses the name from a table's opening line, without its newline.
pub(super) fn parse_table_name(line: &[u8]) -> Option<String> {
    serde_json::from_str(std::str::from_utf8(line).ok()?.strip_suffix(":[")?).ok()
}

/// Returns the only valid form of the line with this seal, up to where a signature may follow.
pub(super) fn seal_prefix(integrity: &Integrity) -> Vec<u8> {
    let mut line = SEAL_OPEN.as_bytes().to_vec();
    serde_json::to_writer(&mut line, integrity).unwrap_or_else(|_| unreachable!("plain data into memory"));
    line.pop();
    line
}

/// Returns the rest of the seal's line: the signature, if any, and the closing braces.
pub(super) fn seal_suffix(signature: Option<&Signature>) -> Vec<u8> {
    let mut line = Vec::new();
    if let Some(signature) = signature {
        line.extend_from_slice(b",\"signature\":");
        serde_json::to_writer(&mut line, signature).unwrap_or_else(|_| unreachable!("plain data into memory"));
    }
    line.extend_from_slice(SEAL_CLOSE.as_bytes());
    line
}

/// How a seal's line ends.
pub(super) enum SealSuffix {
    Unsigned,
    Signed(Signature),
}

/// Parses the rest of the seal's line; accepts only what `seal_suffix` writes.
pub(super) fn parse_seal_suffix(rest: &[u8]) -> Option<SealSuffix> {
    if rest == SEAL_CLOSE.as_bytes() {
        return Some(SealSuffix::Unsigned);
    }
    let inner = rest.strip_prefix(b",\"signature\":")?.strip_suffix(SEAL_CLOSE.as_bytes())?;
    let signature: Signature = serde_json::from_slice(inner).ok()?;
    (seal_suffix(Some(&signature)) == rest).then_some(SealSuffix::Signed(signature))
}

/// Parses a seal's line, to report how it differs from the expected one.
pub(super) fn parse_seal(line: &[u8]) -> Option<Integrity> {
    let inner = std::str::from_utf8(line).ok()?.strip_prefix(SEAL_OPEN)?.strip_suffix("}\n")?;
    serde_json::from_str(inner).ok()
}

fn json_string(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_else(|_| unreachable!("a string is always JSON"))
}
