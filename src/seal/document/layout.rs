//! The bytes of a document around its values: of its frame, its records and its seal. Writer, encoder and readers spell
//! them from here only.

use crate::model::manifest::{Integrity, Signature};
use crate::model::name::TableName;

pub(super) const METADATA_OPEN: &[u8] = b"{\"metadata\":\n";
/// Follows the metadata's pretty-printed object, whose last line is its `}`.
pub(super) const METADATA_END: &[u8] = b",\n";
pub(super) const DATA_OPEN: &[u8] = b"\"data\":{\n";
const TABLE_OPEN: &str = ":[";
pub(super) const TABLE_CLOSE: &[u8] = b"],\n";
pub(super) const TABLE_CLOSE_LAST: &[u8] = b"]\n";
pub(super) const DATA_CLOSE: &[u8] = b"},\n";

pub const RECORD_OPEN: u8 = b'{';
pub const RECORD_CLOSE: u8 = b'}';
const FIELD_SEPARATOR: u8 = b',';
/// Between a table's records.
pub const RECORD_SEPARATOR: &[u8] = b",\n";
/// After a table's last record; a table without records has none.
pub const RECORDS_END: &[u8] = b"\n";

const SEAL_OPEN: &str = "\"integrity\":";
const SIGNATURE_OPEN: &[u8] = b",\"signature\":";
const SEAL_CLOSE: &str = "}}\n";

/// Whether `line`, which comes without its newline, is the layout's `fixed` line.
pub(super) fn is_line(line: &[u8], fixed: &[u8]) -> bool {
    fixed.strip_suffix(b"\n") == Some(line)
}

/// Whether `line` is the metadata's last one: its `}` and `METADATA_END`.
pub(super) fn closes_metadata(line: &[u8]) -> bool {
    line.strip_prefix(b"}").is_some_and(|rest| is_line(rest, METADATA_END))
}

/// Returns a table's opening line: `"companies":[` and the newline.
#[must_use]
pub fn table_opening(table: &TableName) -> String {
    format!("{}{TABLE_OPEN}\n", json_string(table.as_str()))
}

/// Parses the name from a table's opening line, without its newline.
pub(super) fn parse_table_name(line: &[u8]) -> Option<TableName> {
    serde_json::from_slice(line.strip_suffix(TABLE_OPEN.as_bytes())?).ok()
}

/// Whether `line` begins like one that closes a table, however it goes on: of a damaged file, too, the records before it
/// can be read.
#[must_use]
pub fn begins_table_close(line: &[u8]) -> bool {
    line.first() == TABLE_CLOSE.first()
}

/// Returns the JSON text of a record's line, which comes without its newline.
#[must_use]
pub fn record_text(line: &[u8]) -> &[u8] {
    line.strip_suffix(&RECORD_SEPARATOR[..1]).unwrap_or(line)
}

/// Returns the bytes before a record's value in the column at index `index`: `{"id":` or `,"name":`.
#[must_use]
pub fn field_prefix(index: usize, name: &str) -> Vec<u8> {
    let before = if index == 0 { RECORD_OPEN } else { FIELD_SEPARATOR };
    format!("{}{}:", char::from(before), json_string(name)).into_bytes()
}

/// Returns the bytes after a record's last value; a record without columns has only these.
pub(super) fn record_suffix(columns: usize) -> Vec<u8> {
    if columns == 0 { vec![RECORD_OPEN, RECORD_CLOSE] } else { vec![RECORD_CLOSE] }
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
        line.extend_from_slice(SIGNATURE_OPEN);
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
    let inner = rest.strip_prefix(SIGNATURE_OPEN)?.strip_suffix(SEAL_CLOSE.as_bytes())?;
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
