//! Explains a seal that is not the expected one.

use super::layout;
use crate::model::manifest::{Integrity, SealedTable};
use crate::model::name::TableName;
use crate::seal::verify_error::VerifyError;

/// Finds how the end of the file differs from the expected seal.
pub(super) fn explain_seal_mismatch(tail: &[u8], line_number: u64, expected: &Integrity, line: &[u8]) -> VerifyError {
    let Some(end) = memchr::memchr(b'\n', tail) else {
        return VerifyError::Truncated { line: line_number, table: None };
    };
    let (seal_line, rest) = tail.split_at(end + 1);
    if !rest.is_empty() && seal_line.strip_prefix(line).and_then(layout::parse_seal_suffix).is_some() {
        return VerifyError::TrailingBytes { line: line_number + 1 };
    }
    let Some(claimed) = layout::parse_seal(seal_line).filter(|claimed| claimed.sha256 != expected.sha256) else {
        return VerifyError::SealAltered { line: line_number };
    };
    let differs = |((a, x), (b, y)): &(&(TableName, SealedTable), &(TableName, SealedTable))| a != b || x != y;
    let place = match expected.tables.iter().zip(claimed.tables.iter()).find(differs) {
        Some(((table, _), _)) => format!("in table {table}"),
        None => "in the metadata, between the tables or in the seal".into(),
    };
    VerifyError::DigestMismatch { place }
}
