//! Measures the size of encoded records.

use super::Encoder;
use crate::server::rows::{RowSink, Scan, Stopped, Value};

/// A row sink that keeps only the encoded size of each record of a table.
pub struct SizeSampler<'e> {
    encoder: &'e mut dyn Encoder,
    /// Bytes before the first record.
    pub header_bytes: usize,
    /// Bytes of each record, its separator included.
    pub record_bytes: Vec<usize>,
}

impl<'e> SizeSampler<'e> {
    /// Begins a table with an encoder that writes to memory.
    ///
    /// # Errors
    /// As `Encoder::begin_table`.
    pub fn begin_table(encoder: &'e mut dyn Encoder, scan: &Scan) -> Result<Self, Stopped> {
        encoder.begin_table(scan)?;
        let header_bytes = encoder.out().discard();
        Ok(Self { encoder, header_bytes, record_bytes: Vec::new() })
    }
}

impl RowSink for SizeSampler<'_> {
    fn push_value(&mut self, value: Value<'_>) -> Result<(), Stopped> {
        self.encoder.push_value(value)
    }

    fn end_row(&mut self) -> Result<(), Stopped> {
        self.encoder.end_row()?;
        // The bytes are dropped at once: one sampled record may nearly fill the memory.
        let bytes = self.encoder.out().discard();
        // The first record stands for others, which have a separator before them.
        let separator = if self.record_bytes.is_empty() { self.encoder.separator_bytes() } else { 0 };
        self.record_bytes.push(bytes + separator);
        Ok(())
    }
}
