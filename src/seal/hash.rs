//! The digests of a file (SHA-256, FIPS 180-4), each of its bytes hashed once.

use sha2::{Digest, Sha256};

/// Takes a file's lines in order and works out its digests.
///
/// A table's digest is over its own lines, from the one that opens it to its last record, so that it can be compared
/// and checked alone. The file's digest is over all other lines before the seal, and over each table's digest, in
/// hexadecimal and as a line, in the table's place.
pub trait Digester {
    /// Bytes of lines that belong to no table.
    fn frame(&mut self, bytes: &[u8]);
    /// Bytes of the lines of the table in hand.
    fn table(&mut self, bytes: &[u8]);
    fn end_table(&mut self);
    fn end(self) -> Digests;
}

/// In lower-case hexadecimal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Digests {
    /// In the file's order.
    pub tables: Vec<String>,
    pub file: String,
}

/// Hashes as it is told.
#[derive(Clone, Default)]
pub struct Hasher {
    frame: Sha256,
    table: Sha256,
    tables: Vec<String>,
}

impl Digester for Hasher {
    fn frame(&mut self, bytes: &[u8]) {
        self.frame.update(bytes);
    }

    fn table(&mut self, bytes: &[u8]) {
        self.table.update(bytes);
    }

    fn end_table(&mut self) {
        let digest = hex(&self.table.finalize_reset());
        self.frame.update(digest.as_bytes());
        self.frame.update(b"\n");
        self.tables.push(digest);
    }

    fn end(self) -> Digests {
        Digests { tables: self.tables, file: hex(&self.frame.finalize()) }
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
