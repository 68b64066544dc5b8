//! Finds the encoder of a format.

use super::Encoder;
use super::json::JsonEncoder;
use crate::model::output::Format;
use crate::server::pipeline::{ChunkWriter, ProgressCounter};

/// Returns the format's encoder.
#[must_use]
pub fn by_format<'p>(format: Format, out: ChunkWriter, progress: &'p ProgressCounter) -> Box<dyn Encoder + 'p> {
    match format {
        Format::Json => Box::new(JsonEncoder::new(out, progress)),
    }
}
