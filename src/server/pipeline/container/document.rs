//! The document: all tables in one file, compressed as a whole.

use std::io::Write;

use super::ContainerWriter;
use super::error::Error;
use crate::model::manifest::Metadata;
use crate::model::name::TableName;
use crate::model::output::Compression;
use crate::seal::{DocumentSummary, DocumentWriter, SealSigner};
use crate::server::pipeline::compress::Compressor;

pub struct Document<'s, W: Write>(DocumentWriter<'s, Compressor<W>>);

impl<'s, W: Write> Document<'s, W> {
    pub fn begin(
        out: W,
        compression: Compression,
        metadata: &Metadata,
        signer: Option<&'s dyn SealSigner>,
    ) -> Result<Self, Error> {
        let out = Compressor::new(out, compression).map_err(Error::Compress)?;
        Ok(Self(DocumentWriter::begin(out, metadata, signer)?))
    }
}

impl<W: Write> ContainerWriter<W> for Document<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        Ok(self.0.write_table(bytes)?)
    }

    fn end_table(&mut self, table: TableName, records: u64) -> Result<(), Error> {
        Ok(self.0.end_table(table, records)?)
    }

    fn finish(self: Box<Self>) -> Result<(W, DocumentSummary), Error> {
        let (compressor, sealed) = self.0.finish()?;
        let (out, bytes) = compressor.finish().map_err(Error::Compress)?;
        // The size of the file as written, after compression.
        Ok((out, DocumentSummary { bytes, ..sealed }))
    }
}
