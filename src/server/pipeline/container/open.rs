//! Finds the container that an output asks for.

use std::io::Write;

use super::ContainerWriter;
use super::document::Document;
use super::error::Error;
use crate::model::manifest::Metadata;
use crate::model::output::{Container, Output};
use crate::seal::SealSigner;

/// Opens a container in `out`. Without a signer, its seal is not signed.
///
/// # Errors
/// When `out` cannot be written.
pub fn open<'s, W: Write + 's>(
    out: W,
    output: Output,
    metadata: &Metadata,
    signer: Option<&'s dyn SealSigner>,
) -> Result<Box<dyn ContainerWriter<W> + 's>, Error> {
    match output.container {
        Container::Document => Ok(Box::new(Document::begin(out, output.compression, metadata, signer)?)),
    }
}
