//! Computes a file's digests (SHA-256, FIPS 180-4); each byte is hashed once.

use sha2::{Digest, Sha256};

/// Computes a file's digests from its lines, in order.
///
/// A table's digest covers its own lines, from its opening line to its last record, so that a table can be compared
/// and checked alone. The file's digest covers all other lines before the seal and, in each table's place, a line with
/// that table's digest in hexadecimal.
pub trait Digester {
    /// Adds bytes of lines outside the tables.
    fn update_frame(&mut self, bytes: &[u8]);
    /// Adds bytes of the current table's lines.
    fn update_table(&mut self, bytes: &[u8]);
    fn end_table(&mut self);
    fn finish(self) -> Digests;
}

/// In lower-case hexadecimal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Digests {
    /// In the file's order.
    pub tables: Vec<String>,
    pub file: String,
}

/// A `Digester` that hashes on the calling thread.
#[derive(Clone, Default)]
pub struct Sha256Digester {
    frame: Sha256,
    table: Sha256,
    tables: Vec<String>,
}

impl Digester for Sha256Digester {
    fn update_frame(&mut self, bytes: &[u8]) {
        self.frame.update(bytes);
    }

    fn update_table(&mut self, bytes: &[u8]) {
        self.table.update(bytes);
    }

    fn end_table(&mut self) {
        let digest = hex::encode(self.table.finalize_reset());
        self.frame.update(digest.as_bytes());
        self.frame.update(b"\n");
        self.tables.push(digest);
    }

    fn finish(self) -> Digests {
        Digests { tables: self.tables, file: hex::encode(self.frame.finalize()) }
    }
}
