//! The lines that are the same in every file, and the two that are worked out.

use crate::model::manifest::{Integrity, Signature};

pub const METADATA_OPEN: &str = "{\"metadata\":\n";
/// Pretty-printed metadata ends with `}`; this stands for that line as a whole.
pub(super) const METADATA_CLOSE: &[u8] = b"},";
pub const DATA_OPEN: &str = ",\n\"data\":{\n";
pub(super) const DATA_OPEN_LINE: &[u8] = b"\"data\":{";
pub const TABLE_CLOSE: &str = "],\n";
pub const TABLE_CLOSE_LAST: &str = "]\n";
pub const DATA_CLOSE: &str = "},\n";
pub(super) const DATA_CLOSE_LINE: &[u8] = b"},";

const SEAL_OPEN: &str = "\"integrity\":";
const SEAL_CLOSE: &str = "}}\n";

/// `"companies":[` and the end of its line.
#[must_use]
pub fn table_open(name: &str) -> String {
    format!("{}:[\n", json_string(name))
}

/// What stands before a record's value in the column at this place: `{"id":` or `,"name":`.
#[must_use]
pub fn field_open(at: usize, name: &str) -> Vec<u8> {
    format!("{}{}:", if at == 0 { '{' } else { ',' }, json_string(name)).into_bytes()
}

/// The name in a table's opening line, if it is one.
pub(super) fn table_name(line: &[u8]) -> Option<String> {
    serde_json::from_str(std::str::from_utf8(line).ok()?.strip_suffix(":[")?).ok()
}

/// The one form in which this seal may stand at the end of a file, up to where a signature may follow.
pub(super) fn seal_open(integrity: &Integrity) -> Vec<u8> {
    let mut line = SEAL_OPEN.as_bytes().to_vec();
    serde_json::to_writer(&mut line, integrity).unwrap_or_else(|_| unreachable!("plain data into memory"));
    line.pop();
    line
}

/// The rest of the seal's line.
pub(super) fn seal_close(signature: Option<&Signature>) -> Vec<u8> {
    let mut line = Vec::new();
    if let Some(signature) = signature {
        line.extend_from_slice(b",\"signature\":");
        serde_json::to_writer(&mut line, signature).unwrap_or_else(|_| unreachable!("plain data into memory"));
    }
    line.extend_from_slice(SEAL_CLOSE.as_bytes());
    line
}

/// How a seal's line ends.
pub(super) enum SealEnd {
    Unsigned,
    Signed(Signature),
}

/// Reads the rest of the seal's line back, in the one form in which it is written.
pub(super) fn parse_seal_close(rest: &[u8]) -> Option<SealEnd> {
    if rest == SEAL_CLOSE.as_bytes() {
        return Some(SealEnd::Unsigned);
    }
    let inner = rest.strip_prefix(b",\"signature\":")?.strip_suffix(SEAL_CLOSE.as_bytes())?;
    let signature: Signature = serde_json::from_slice(inner).ok()?;
    (seal_close(Some(&signature)) == rest).then_some(SealEnd::Signed(signature))
}

/// Reads a seal line back, to explain how it differs.
pub(super) fn parse_seal(line: &[u8]) -> Option<Integrity> {
    let inner = std::str::from_utf8(line).ok()?.strip_prefix(SEAL_OPEN)?.strip_suffix("}\n")?;
    serde_json::from_str(inner).ok()
}

fn json_string(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_else(|_| unreachable!("a string is always JSON"))
}
