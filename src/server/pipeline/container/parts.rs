//! The documents of a layout, one after the other, and the seal that lists them.

use std::io::{self, Write};

use sha2::{Digest, Sha256};

use super::error::Error;
use crate::model::manifest::Metadata;
use crate::model::name::TableName;
use crate::seal::folder::{FILES_TABLE, SealedFile, seal_metadata};
use crate::seal::{DocumentSummary, DocumentWriter, SealSigner, layout};

/// Takes the documents of a layout. Bytes that are written belong to the current one.
pub trait PartsWriter: Write {
    /// Begins the document of this name: that of its file, or its key.
    ///
    /// # Errors
    /// If there is one of this name, or the output cannot be written.
    fn begin(&mut self, name: &str) -> io::Result<()>;

    /// Ends the current document, which has this number of records.
    ///
    /// # Errors
    /// If the output cannot be written.
    fn end(&mut self, records: u64) -> io::Result<()>;
}

/// The digest of a document that is being written.
pub struct PartDigest {
    name: String,
    hasher: Sha256,
    bytes: u64,
}

impl PartDigest {
    pub fn new(name: String) -> Self {
        Self { name, hasher: Sha256::new(), bytes: 0 }
    }

    pub fn update(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
    }

    /// The document's line in the seal.
    pub fn finish(self, records: u64) -> SealedFile {
        let Self { name, hasher, bytes } = self;
        SealedFile { name, records, bytes, sha256: hex::encode(hasher.finalize()) }
    }
}

/// Writes the seal that lists the documents, and returns the output with the seal's own size and digest.
pub fn write_seal<W: Write>(
    out: W,
    parts: &[SealedFile],
    metadata: &Metadata,
    layout_name: &str,
    signer: &dyn SealSigner,
) -> Result<(W, DocumentSummary), Error> {
    let metadata_of_seal = seal_metadata(metadata, layout_name, parts.len() as u64);
    let mut seal = DocumentWriter::begin(out, &metadata_of_seal, Some(signer))?;
    seal.write_table(&parts_table(parts))?;
    seal.end_table(FILES_TABLE.into(), parts.len() as u64)?;
    Ok(seal.finish()?)
}

/// The opening line of the table of documents, and its records.
fn parts_table(parts: &[SealedFile]) -> Vec<u8> {
    let mut bytes = layout::table_opening(&TableName::from(FILES_TABLE)).into_bytes();
    for (place, part) in parts.iter().enumerate() {
        if place > 0 {
            bytes.extend_from_slice(layout::RECORD_SEPARATOR);
        }
        let SealedFile { name, records, bytes: size, sha256 } = part;
        let name = serde_json::Value::from(name.as_str());
        bytes.extend(
            format!("{{\"name\":{name},\"records\":{records},\"bytes\":{size},\"sha256\":\"{sha256}\"}}").bytes(),
        );
    }
    bytes.extend_from_slice(layout::RECORDS_END);
    bytes
}
