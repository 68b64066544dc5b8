//! The digests of a file (SHA-256, FIPS 180-4), each of its bytes hashed once.

use sha2::{Digest, Sha256};

/// The digests of a file in the making or in the reading.
///
/// A table's digest is over its own lines, from the one that opens it to its last record, so that it can be compared
/// and checked alone. The file's digest is over all other lines before the seal, and over each table's digest, in
/// hexadecimal and as a line, in the table's place.
#[derive(Clone, Default)]
pub(super) struct Digests {
    frame: Sha256,
    table: Sha256,
}

impl Digests {
    pub(super) fn frame(&mut self, bytes: &[u8]) {
        self.frame.update(bytes);
    }

    pub(super) fn table(&mut self, bytes: &[u8]) {
        self.table.update(bytes);
    }

    /// The digest of the table whose lines were given, in lower-case hexadecimal.
    pub(super) fn end_table(&mut self) -> String {
        let digest = hex(&self.table.finalize_reset());
        self.frame.update(digest.as_bytes());
        self.frame.update(b"\n");
        digest
    }

    /// The file's digest.
    pub(super) fn end(self) -> String {
        hex(&self.frame.finalize())
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
